"""bench/compare beside two programs that print what handmill and llama.cpp print, at speeds that
the test sets for each round."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

COMPARE = Path(__file__).resolve().parents[2] / "bench/compare"
SVG = "{http://www.w3.org/2000/svg}"

# What both stand-ins begin with: `plan` is the test's, `flag` an argument's value. A speed is the
# next of a list that the plan has under the program's name and the test's.
COMMON = r'''
import json, os, sys, time
folder = os.path.dirname(os.path.abspath(__file__))
name = os.path.basename(__file__)
plan = json.load(open(f"{folder}/plan.json"))
words = sys.argv[1:]

def flag(short):
    return words[words.index(short) + 1]

def numbers(short):
    return [int(word) for word in flag(short).split(",")]

def next_speed(test):
    speeds = plan["speeds"].get(f"{name} {test}", [100])
    path = f"{folder}/count {name} {test}"
    count = os.path.getsize(path) if os.path.exists(path) else 0
    open(path, "a").write(".")
    return speeds[count % len(speeds)]

if "--version" not in words:
    open(f"{folder}/calls", "a").write(json.dumps([name, *words]) + "\n")
    told = plan.get("instead", {}).get(f"{name} {words[0]}", plan.get("instead", {}).get(name))
    if told == "fail":
        print("a first line\nthe model is broken", file=sys.stderr)
        sys.exit(3)
    if told == "hang":
        open(f"{folder}/pid", "w").write(str(os.getpid()))
        time.sleep(600)
    if told is not None:
        print(told)
        sys.exit(0)
'''

HANDMILL = COMMON + r'''
if words[0] == "--version":
    print("handmill 9.8.7")
elif words[0] == "run":
    memory = bytearray(b"x" * plan.get("handmill_bytes", 1))
    if "json" in words:
        tokens = len(words[2].split()) + plan.get("tokens_before", 0)
        print(json.dumps({"model": "m", "text": " the", "finish": "length", "prompt_tokens": tokens,
                          "backend": "cpu, fake, 3 threads", "threads": 3, "timings": {}}))
    else:
        time.sleep(plan.get("handmill_start_s", 0))
        print(" the", flush=True)
        time.sleep(plan.get("handmill_end_s", 0))
elif words[0] == "bench":
    rows = []
    for depth in numbers("-d"):
        for batch in numbers("--batch"):
            tests = [f"pp{n}" for n in numbers("-p") if n] + [f"tg{n}" for n in numbers("-n") if n]
            for test in tests:
                speed = next_speed(f"{test} {depth} {batch}")
                rows.append({"test": test, "depth": depth, "threads": 3, "tok_s": {
                    "median": speed, "low": speed, "high": speed}, "batch": batch, "kv": "f16",
                    "model": "m", "backend": "cpu, fake, 3 threads", "repeats": 1,
                    "version": "9.8.7", **plan.get("more", {})})
    print(json.dumps(rows))
'''

PEER = COMMON + r'''
if "--version" in words:
    if plan.get("old"):
        sys.exit("error: invalid parameter for argument: --version")
    print("version: 1.2.3 (build 7, commit abc)\nbuilt with GNU 12.2.0", file=sys.stderr)
elif name == "llama-bench":
    rows = []
    for depth in numbers("-d") if "-d" in words else [0]:
        for pp, tg in [(n, 0) for n in numbers("-p") if n] + [(0, n) for n in numbers("-n") if n]:
            test = f"pp{pp} {depth} 1" if pp else f"tg{tg} {depth} 1"
            speeds = [next_speed(test) for _ in range(int(flag("-r")))]
            rows.append({"build_commit": "abc", "build_number": 7, "n_threads": int(flag("-t")),
                         "type_k": flag("-ctk"), "type_v": flag("-ctv"), "n_prompt": pp,
                         "n_gen": tg, "n_depth": depth, "samples_ts": speeds})
    print(json.dumps(rows, indent=2))
elif name == "llama-batched-bench":
    assert flag("--output-format") == "jsonl"
    for batch in numbers("-npl"):
        pp, tg = int(flag("-npp")), int(flag("-ntg"))
        assert (pp + tg) * batch <= int(flag("-c"))
        print('{"n_kv_max": %s, "pp": %d, "tg": %d, "pl": %d, "speed_pp": %f, "speed_tg": %f}\n'
              % (flag("-c"), pp, tg, batch, next_speed(f"pp{pp} {batch}"),
                 next_speed(f"tg{tg} {batch}")))
elif name == "llama-completion":
    time.sleep(plan.get("peer_start_s", 0))
    print(" the\n")
'''


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.plan = {"speeds": {}}
        for name in ("handmill", "llama-bench", "llama-batched-bench", "llama-completion"):
            path = folder / name
            body = HANDMILL if name == "handmill" else PEER
            path.write_text(f"#!{sys.executable}\n{body}")
            path.chmod(0o755)
        self.model = folder / "a & <b>|c.gguf"
        self.model.touch()

    def command(self, *words, files=None):
        (self.folder / "plan.json").write_text(json.dumps(self.plan))
        return [sys.executable, COMPARE, "--handmill", self.folder / "handmill", "--peer",
                self.folder, *(files or [self.model]), *map(str, words)]

    def run(self, *words, files=None):
        return subprocess.run(self.command(*words, files=files), capture_output=True, text=True,
                              timeout=60)

    def rows(self, *words, files=None):
        """The rows of the JSON file, by test."""
        done = self.run(*words, "--json", self.folder / "out.json", files=files)
        assert done.returncode == 0, done.stderr
        rows = json.loads((self.folder / "out.json").read_text())["rows"]
        return {row["test"]: row for row in rows}

    def calls(self):
        lines = (self.folder / "calls").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def files(self):
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def values(spread):
    return [spread["median"], spread["low"], spread["high"]]


def test_medians_spread_and_ratios_of_the_same_round(bench):
    bench.plan["speeds"] = {"handmill pp512 0 1": [1000, 400, 900], "llama-bench pp512 0 1": [
        500, 100, 450], "handmill tg64 0 1": [80, 90, 100], "llama-bench tg64 0 1": [100, 90, 50]}
    done = bench.run("--rounds", 3, "--json", bench.folder / "out.json")
    assert done.returncode == 0, done.stderr
    out = json.loads((bench.folder / "out.json").read_text())
    prefill, decode = out["rows"]
    assert values(prefill["handmill"]) == [900, 400, 1000]
    assert values(prefill["peer"]) == [450, 100, 500]
    assert prefill["ratio"]["rounds"] == [2, 4, 2]
    assert values(decode["ratio"]) == [1, 0.8, 2]  # the medians' own ratio is 1.0 by chance
    assert "| 450 (100–500) | 900 (400–1,000) | 2.00 (2.00–4.00) |" in done.stdout
    assert r"| a & <b>\|c | prefill 512 |" in done.stdout and "|  | decode 64 |" in done.stdout
    assert "handmill 9.8.7 (cpu, fake, 3 threads)" in done.stdout
    assert "llama.cpp 1.2.3 (build 7, commit abc)" in done.stdout
    assert "3 threads" in done.stdout and "3 rounds of 1 repeat," in done.stdout
    assert "[7/7] round 3 of 3" in done.stderr and "left" in done.stderr


def test_a_ratio_is_the_median_of_ratios_not_the_ratio_of_medians(bench):
    bench.plan["speeds"] = {"handmill tg64 0 1": [10, 100, 1000],
                            "llama-bench tg64 0 1": [1, 100, 500]}
    row = bench.rows("-p", 0, "--rounds", 3)["decode 64"]
    assert row["handmill"]["median"] == row["peer"]["median"] == 100
    assert row["ratio"]["median"] == 2


def test_who_begins_alternates_and_both_get_the_same_settings(bench):
    second = bench.folder / "second.gguf"
    second.touch()
    bench.rows("--rounds", 3, "--kv", "q8_0", "-d", "0,64", files=[bench.model, second])
    calls = [call for call in bench.calls() if "run" not in call]
    assert [call[0] for call in calls] == 2 * ["handmill", "llama-bench"] + 2 * [
        "llama-bench", "handmill"] + 2 * ["handmill", "llama-bench"]
    for call in calls:
        pairs = dict(zip(call, call[1:]))
        assert pairs["-t"] == "3" and pairs["-d"] == "0,64"  # as many as handmill takes by itself
        assert pairs.get("--kv", pairs.get("-ctk")) == "q8_0"


def test_threads_are_those_asked_for(bench):
    bench.rows("--rounds", 1, "-t", 2)
    assert all(dict(zip(call, call[1:]))["-t"] == "2" for call in bench.calls())


def test_repeats_within_a_round_give_their_median(bench):
    bench.plan["speeds"] = {"llama-bench tg64 0 1": [7, 50, 60],
                            "llama-batched-bench tg64 2": [10, 80, 20]}
    rows = bench.rows("-p", 0, "--rounds", 1, "-r", 3, "--batch", "1,2")
    assert rows["decode 64"]["peer"]["rounds"] == [50]
    assert rows["decode 64, batch 2"]["peer"]["rounds"] == [20]


def test_batches_have_their_own_program_and_what_it_cannot_do_stays_open(bench):
    bench.plan["speeds"] = {
        "handmill tg32 100 8": [400], "llama-batched-bench tg32 8": [160],
        "handmill pp64 0 8": [900], "llama-batched-bench pp64 8": [300]}
    rows = bench.rows("-p", 64, "-n", 32, "-d", "0,100", "--batch", 8, "--rounds", 1)
    assert rows["decode 32, depth 100, batch 8"]["ratio"]["median"] == 2.5
    assert rows["prefill 64, batch 8"]["ratio"]["median"] == 3
    assert rows["prefill 64, depth 100, batch 8"]["peer"] is None
    prompts = [dict(zip(call, call[1:])).get("-npp") for call in bench.calls()]
    assert [n for n in prompts if n] == ["64", "1", "100"]
    assert not any(call[0] == "llama-bench" for call in bench.calls())


def test_the_roof_shows_where_handmill_reports_it(bench):
    done = bench.run("--rounds", 1)
    assert "roof" not in done.stdout
    bench.plan["more"] = {"roofs": {"read_bytes_s": 2e10, "int8_ops_s": 4e11},
                          "bytes_per_token": 1e8, "ops_per_token": 2e8}
    bench.plan["speeds"] = {"handmill tg64 0 1": [170], "llama-bench tg64 0 1": [90],
                            "handmill pp512 0 1": [1200], "llama-bench pp512 0 1": [400]}
    done = bench.run("--rounds", 1, "--svg", bench.folder / "out.svg")
    assert "| 1,200 | 3.00 | 2,000 | 20 % | 60 % |" in done.stdout
    assert "| 170 | 1.89 | 200 | 45 % | 85 % |" in done.stdout
    plot = (bench.folder / "out.svg").read_text()
    assert "85 % of the roof" in plot
    assert len(ElementTree.fromstring(plot).findall(f"{SVG}line")) == 2


def test_the_plot_is_whole_and_fetches_nothing(bench):
    bench.plan["speeds"] = {"handmill tg64 0 1": [50, 100], "llama-bench tg64 0 1": [25]}
    plot = bench.folder / "out.svg"
    done = bench.run("-p", 0, "--rounds", 2, "--svg", plot, "--peer-name", "a < b")
    assert done.returncode == 0, done.stderr
    root = ElementTree.fromstring(plot.read_bytes())
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert "a & <b>|c" in words and "3.00×" in words and "75.0 (50.0–100)" in words
    widths = {kind: [float(bar.get("width")) for bar in root.iter(f"{SVG}rect")
                     if bar.get("class") == kind][-1] for kind in ("track", "ours", "peer")}
    assert widths["ours"] == pytest.approx(0.75 * widths["track"], abs=0.1)
    assert widths["peer"] == pytest.approx(0.25 * widths["track"], abs=0.1)
    assert len(list(root.iter(f"{SVG}path"))) == 2  # the whiskers
    assert {element.tag for element in root.iter()}.isdisjoint({f"{SVG}script", f"{SVG}image"})
    assert "href" not in plot.read_text() and "prefers-color-scheme: dark" in plot.read_text()
    assert stat.S_IMODE(plot.stat().st_mode) & 0o444 == 0o444 & ~current_umask()


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_start_measures_the_first_token_and_the_memory(bench):
    bench.plan |= {"handmill_start_s": 0.2, "handmill_end_s": 3, "peer_start_s": 0.4,
                   "handmill_bytes": 200_000_000,
                   "tokens_before": 1}  # a model whose prompts begin with a token of its own
    rows = bench.rows("-p", 0, "-n", 0, "--start", "--rounds", 1)
    ours, peer, ratio = (rows["start to first token"][name]["median"]
                         for name in ("handmill", "peer", "ratio"))
    assert 0.2 <= ours < 3 and peer >= 0.4 and ratio == pytest.approx(ours / peer)
    assert rows["peak memory"]["handmill"]["median"] > 200 > rows["peak memory"]["peer"]["median"]
    out = json.loads((bench.folder / "out.json").read_text())
    assert list(out["prompt_tokens"].values()) == [16]
    prompts = {call[3] if call[0] == "handmill" else dict(zip(call, call[1:]))["-p"]
               for call in bench.calls()[-2:]}
    assert "bench" not in {call[1] for call in bench.calls()}
    assert [len(prompt.split()) for prompt in prompts] == [15]  # one and the same for both


def test_a_peer_without_a_version_flag_is_named_by_its_build(bench):
    bench.plan["old"] = True
    assert "llama.cpp build 7, commit abc" in bench.run("--rounds", 1).stdout


@pytest.mark.parametrize(("program", "told", "message"), [
    ("llama-bench", "fail", "llama-bench failed with status 3"),
    ("handmill bench", "fail", "handmill failed with status 3"),
    ("handmill run", "fail", "handmill failed with status 3"),
    ("llama-bench", "[\n", "the output of llama-bench cannot be read"),
    ("llama-bench", '[{"n_gen": 64, "n_prompt": 0}]', "no 'samples_ts'"),
    ("llama-bench", '[{"n_gen": 64, "n_prompt": 0, "samples_ts": [0]}]', "0 is no speed"),
    ("llama-bench", "[]", "llama-bench did not measure prefill 512; decode 64"),
    ("llama-batched-bench", "nothing", "llama-batched-bench did not measure prefill 512, batch 2"),
    ("llama-batched-bench", '{"pl": 2, "speed_pp": -nan}', "cannot be read"),
    ("handmill bench", "null", "the output of handmill cannot be read"),
    ("handmill bench", '[{"test": "xx5"}]', "the output of handmill cannot be read"),
    ("handmill run", "{}", "no 'prompt_tokens'"),
])
def test_a_program_that_fails_is_named_with_its_command(bench, program, told, message):
    bench.plan["instead"] = {program: told}
    before = bench.files() | {"plan.json", "calls"}
    done = bench.run("--rounds", 1, "--batch", "1,2", "--json", bench.folder / "out.json",
                     "--md", bench.folder / "out.md", "--svg", bench.folder / "out.svg")
    assert done.returncode == 1 and done.stdout == ""
    assert message in done.stderr
    assert f"the command: {bench.folder}/{program}" in done.stderr
    assert "Traceback" not in done.stderr
    assert told != "fail" or "the model is broken" in done.stderr
    assert {name for name in bench.files() - before if not name.startswith("count")} == set()


def test_what_is_not_there_is_told_before_anything_runs(bench):
    def told(*words, files=None):
        done = bench.run(*words, files=files)
        assert done.returncode in (1, 2) and "Traceback" not in done.stderr
        assert not (bench.folder / "calls").exists()
        return done.stderr
    assert "no-model: there is no such file" in told(files=["no-model"])
    assert "cannot be written there" in told("--md", bench.folder / "no/out.md")
    assert "there is nothing to measure" in told("-p", 0, "-n", 0)
    assert "'x' is not a whole number" in told("-p", "x")
    assert "only one number" in told("-t", "1,2")
    assert "0 is not between 1 and 1024" in told("--batch", 0)
    (bench.folder / "llama-bench").chmod(0o644)
    assert "llama-bench is not there, or is not a program" in told()
    (bench.folder / "llama-completion").unlink()
    assert "llama-completion is not there" in told("--start", "-p", 0, "-n", 0)
    (bench.folder / "handmill").unlink()
    assert "handmill is not there, or is not a program" in told()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_child_and_leaves_the_old_files(bench, ending):
    bench.plan["instead"] = {"llama-bench": "hang"}
    out = bench.folder / "out.md"
    out.write_text("the table of yesterday")
    process = subprocess.Popen(bench.command("--md", out, "--svg", bench.folder / "out.svg"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pid_file = bench.folder / "pid"
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(ending)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and output == ""
    assert "nothing was written" in errors and "Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert out.read_text() == "the table of yesterday"
    assert not any("out.svg" in name for name in bench.files())
