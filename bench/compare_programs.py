"""The two programs that bench/compare measures: how each is called, and how its output is read.

Both engines have the same methods: bench(file, tests) gives the speed of every test of a group,
start(file, prompt) the time to the first token of a new process, and its memory."""

import json
import math
import os
import re
import shlex
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from typing import NamedTuple

from compare_tests import CompareError, Test

START_CONTEXT = 512  # room that both programs make in their caches, for --start
START_PROMPT_TOKENS = 16
WORDS = ("The old man who lived near the river told his son that there was one more house to build "
         "in the town and that it would be a good day").split()


class Speed(NamedTuple):
    tok_s: float
    roof: "Roof | None" = None


class Roof(NamedTuple):
    """The machine's limits at the time of a test."""
    tok_s: float  # what the limit that binds allows
    bound: str    # which that is: "read" or "int8"
    read_bytes_s: float
    int8_ops_s: float


class Start(NamedTuple):
    seconds: float  # from process start to the first byte of the answer
    peak_bytes: int


class Finished(NamedTuple):
    output: str
    errors: str
    seconds: float  # to the first byte of output
    peak_bytes: int


def run_program(command, limit_s=None):
    """Runs it to its end, or to the limit; whatever interrupts us ends it too."""
    with tempfile.TemporaryFile() as errors:
        began = time.monotonic()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=errors)
        except OSError as error:
            raise CompareError(f"cannot start {command[0]}: {error.strerror}\n"
                               f"  the command: {shlex.join(command)}") from error
        timer = threading.Timer(limit_s or threading.TIMEOUT_MAX, process.kill)
        timer.daemon = True
        timer.start()
        try:
            output = process.stdout.read1(1)
            seconds = time.monotonic() - began
            output += process.stdout.read()
            # Not wait(): only wait4 tells the memory of this child alone.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
            process.stdout.close()
        errors.seek(0)
        told = errors.read().decode(errors="replace")
    if process.returncode != 0:
        if limit_s and time.monotonic() - began >= limit_s:
            told = f"{told}\nit took longer than {limit_s:g} s"
        raise CompareError(failure(command, process.returncode, told))
    return Finished(output.decode(errors="replace"), told, seconds, usage.ru_maxrss * 1024)


def failure(command, code, told):
    how = f"was ended by signal {-code}" if code < 0 else f"failed with status {code}"
    last = [line for line in told.splitlines() if line.strip()][-3:]
    return "\n  ".join([f"{os.path.basename(command[0])} {how}",
                        f"the command: {shlex.join(command)}", *last])


@contextmanager
def reading(command):
    """Makes an error that names the command of whatever its output lacks."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise CompareError(f"the output of {os.path.basename(command[0])} cannot be read: {reason}"
                           f"\n  the command: {shlex.join(command)}") from error


def positive(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is not a number")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{value} is no speed")
    return float(value)


def check_all_there(command, found, wanted):
    missing = [test.title for test in wanted if test not in found]
    if missing:
        raise CompareError(f"{os.path.basename(command[0])} did not measure {'; '.join(missing)}"
                           f"\n  the command: {shlex.join(command)}")


def listed(numbers):
    return ",".join(map(str, numbers)) or "0"


def lengths(tests):
    return ["-p", listed(test.tokens for test in tests if test.kind == "pp"),
            "-n", listed(test.tokens for test in tests if test.kind == "tg")]


def read_through(file):
    """Into the page cache, from which a large file may have gone since it was last read."""
    buffer = bytearray(1 << 20)
    with open(file, "rb", buffering=0) as data:
        while data.readinto(buffer):
            pass


def roof_of(row, test):
    """The roofs that this row was measured under, where this version of handmill reports them.
    Memory binds a decode and arithmetic a prefill; what binds a batch is for handmill to say."""
    if "roofs" not in row:
        return None
    bound = "int8" if test.kind == "pp" else "read"
    if test.kind == "tg" and test.batch > 1:
        bound = row["bound"]
    return Roof(positive(row["tok_s"]["median"]) / positive(row[f"of_{bound}_roof"]["median"]),
                bound, *(positive(row["roofs"][name]["median"])
                         for name in ("read_bytes_s", "int8_ops_s")))


class Handmill:
    name = "handmill"

    def __init__(self, program, settings):
        self.program, self.settings = program, settings
        self.version = run_program([program, "--version"]).output.strip().removeprefix("handmill ")
        self.backend = None

    def threads(self):
        return ["-t", str(self.settings.threads)] if self.settings.threads else []

    def answer(self, file, prompt, *more):
        return [self.program, "run", file, prompt, "--raw", "--greedy", "--max-tokens", "1",
                "-c", str(START_CONTEXT), "--kv", self.settings.kv, *self.threads(), *more]

    def warm_up(self, file):
        """Brings the file into the page cache; gives a prompt of 16 tokens, its true number of
        tokens, and the number of threads."""
        count = START_PROMPT_TOKENS
        for _ in range(3):  # a model may begin with a token of its own, or cut a word in two
            prompt = " ".join(WORDS[:count])
            command = self.answer(file, prompt, "--format", "json")
            with reading(command):
                said = json.loads(run_program(command).output)
                tokens, threads = said["prompt_tokens"], said["threads"]
                self.backend = said["backend"]
                count = max(1, count + START_PROMPT_TOKENS - tokens)
            if tokens == START_PROMPT_TOKENS:
                break
        return prompt, tokens, threads

    def bench(self, file, tests):
        depth, batch, kv = tests[0].setting
        command = [self.program, "bench", file, *lengths(tests), "-d", str(depth), "--batch",
                   str(batch), "--kv", kv, "-r", str(self.settings.repeats), *self.threads(),
                   "-o", "json"]
        speeds = {}
        output = run_program(command, self.settings.limit_s).output
        with reading(command):
            for row in json.loads(output):
                kind, tokens = re.fullmatch(r"(pp|tg)(\d+)", row["test"]).groups()
                test = Test(kind, int(tokens), row["depth"], row["batch"], kv)
                speeds[test] = Speed(positive(row["tok_s"]["median"]), roof_of(row, test))
        check_all_there(command, speeds, tests)
        return speeds

    def start(self, file, prompt):
        done = run_program(self.answer(file, prompt, "--quiet"), self.settings.limit_s)
        return Start(done.seconds, done.peak_bytes)


class Peer:
    """llama.cpp, or a program that prints what it prints."""

    def __init__(self, folder, name, settings, with_start):
        self.name, self.settings = name, settings
        self.programs = {}
        batches = {test.batch for test in settings.tests}
        needed = {"llama-bench": 1 in batches, "llama-batched-bench": batches - {1},
                  "llama-completion": with_start}
        for program in [program for program, wanted in needed.items() if wanted]:
            path = os.path.join(folder, program)
            if not os.access(path, os.X_OK) or os.path.isdir(path):
                raise CompareError(f"{path} is not there, or is not a program")
            self.programs[program] = path
        self.version = self.told_version()

    def told_version(self):
        try:
            done = run_program([next(iter(self.programs.values())), "--version"])
        except CompareError:  # llama-bench did not always have the flag; its results name the build
            return "of an unknown version"
        match = re.search(r"^version: *(.+)$", done.output + done.errors, re.MULTILINE)
        return match[1].strip() if match else "of an unknown version"

    def common(self, file, kv):
        words = ["-m", file, "-t", str(self.settings.threads), "-ctk", kv, "-ctv", kv]
        # Its quantized values need it; older versions leave it off by themselves.
        return words + (["-fa", "1"] if kv != "f16" else [])

    def bench(self, file, tests):
        if tests[0].batch == 1:
            return self.alone(file, tests)
        # A prefill behind cached tokens is not among what llama-batched-bench can do.
        return {test: self.together(file, test) for test in tests
                if not (test.kind == "pp" and test.depth)}

    def alone(self, file, tests):
        depth, _, kv = tests[0].setting
        command = [self.programs["llama-bench"], *self.common(file, kv), *lengths(tests),
                   "-r", str(self.settings.repeats), "-o", "json"]
        if depth:  # older versions do not know the flag
            command += ["-d", str(depth)]
        speeds = {}
        output = run_program(command, self.settings.limit_s).output
        with reading(command):
            for row in json.loads(output):
                kind, tokens = ("tg", row["n_gen"]) if row["n_gen"] else ("pp", row["n_prompt"])
                rates = [positive(rate) for rate in row["samples_ts"]]
                speeds[Test(kind, tokens, row.get("n_depth", 0), 1, kv)] = Speed(
                    statistics.median(rates))
                if self.version == "of an unknown version":
                    self.version = f"build {row['build_number']}, commit {row['build_commit']}"
        check_all_there(command, speeds, tests)
        return speeds

    def together(self, file, test):
        """llama-batched-bench decodes behind its prompt, so the prompt is the depth."""
        prompt, answer = ((test.tokens, 1) if test.kind == "pp"
                          else (max(test.depth, 1), test.tokens))
        room = math.ceil((prompt + answer) / 256) * 256  # llama.cpp's cache comes in such blocks
        command = [self.programs["llama-batched-bench"], *self.common(file, test.kv),
                   "-npp", str(prompt), "-ntg", str(answer),
                   "-npl", listed([test.batch] * self.settings.repeats),
                   "-c", str(room * test.batch), "--output-format", "jsonl"]
        output = run_program(command, self.settings.limit_s).output
        with reading(command):
            rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
            rates = [positive(row[f"speed_{test.kind}"]) for row in rows if row["pl"] == test.batch]
        if len(rates) != self.settings.repeats:
            check_all_there(command, {}, [test])
        return Speed(statistics.median(rates))

    def start(self, file, prompt):
        command = [self.programs["llama-completion"], *self.common(file, self.settings.kv),
                   "-n", "1", "-c", str(START_CONTEXT), "--temp", "0", "-no-cnv",
                   "--no-display-prompt", "-p", prompt]
        done = run_program(command, self.settings.limit_s)
        if not done.output:
            raise CompareError("llama-completion answered nothing to a prompt")
        return Start(done.seconds, done.peak_bytes)
