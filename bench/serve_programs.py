"""The servers that bench/serve measures, and the load generator that it measures them with."""

import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from compare_programs import CompareError

START_LIMIT_S = 300


@dataclass
class Settings:
    """What both servers get."""
    slots: int
    context: int  # of one slot
    threads: int
    limit_s: int  # of one request


class Facts(NamedTuple):
    """What the system holds for a server."""
    anonymous_bytes: int
    descriptors: int
    threads: int


def facts_of(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    def value(name):
        return int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1])
    return Facts(value("RssAnon") * 1024, len(os.listdir(f"/proc/{pid}/fd")), value("Threads"))


class Handmill:
    name = "handmill"

    def __init__(self, program, settings):
        self.program, self.settings = program, settings
        told = run([program, "--version"])
        self.version = told.strip().removeprefix("handmill ") or "of an unknown version"

    def command(self, file, port, queue):
        s = self.settings
        return [self.program, "serve", "--model", file, "--port", port, "-t", s.threads,
                "--context", s.slots * s.context, "--parallel", s.slots, "--queue", queue]


class Peer:
    """llama-server, or a program that takes its arguments."""

    def __init__(self, folder, name, settings):
        self.name, self.settings = name, settings
        self.program = os.path.join(folder, "llama-server")
        if not os.access(self.program, os.X_OK):
            raise CompareError(f"{self.program} is not there, or is not a program")
        match = re.search(r"^version: *(.+)$", run([self.program, "--version"]), re.MULTILINE)
        self.version = match[1].strip() if match else "of an unknown version"

    def command(self, file, port, _):
        s = self.settings
        return [self.program, "-m", file, "--port", port, "-t", s.threads, "-np", s.slots,
                "-c", s.slots * s.context]


def run(command):
    """What a short program says, on either output."""
    try:
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, timeout=60,
                              capture_output=True, text=True, errors="replace", check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompareError(f"cannot run {command[0]}: {error}") from error
    return done.stdout + done.stderr


class Server:
    """A program that has come up on a port of this machine."""

    def __init__(self, engine, file, queue, log):
        self.name, self.log = engine.name, log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = list(map(str, engine.command(file, self.port, queue)))
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        except OSError as error:
            raise CompareError(f"cannot start {self.command[0]}: {error.strerror}") from error

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        finally:
            connection.close()

    def wait_until_up(self):
        until = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until:
            self.check_alive()
            try:
                if self.get("/health")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise CompareError(f"{self.name} did not come up within {START_LIMIT_S} s\n"
                           f"  the command: {shlex.join(self.command)}")

    def check_alive(self):
        code = self.process.poll()
        if code is None:
            return
        self.log.seek(0)
        last = self.log.read().decode(errors="replace").splitlines()[-3:]
        raise CompareError("\n  ".join([f"{self.name} ended with status {code}",
                                        f"the command: {shlex.join(self.command)}", *last]))

    def facts(self):
        self.check_alive()
        return facts_of(self.process.pid)

    def metrics(self):
        """{name: the sum over all models} of what handmill tells at /metrics."""
        figures = {}
        for line in self.get("/metrics")[1].splitlines():
            if match := re.fullmatch(r"([\w:]+)(?:\{.*\})? (\S+)", line):
                figures[match[1]] = figures.get(match[1], 0) + float(match[2])
        return figures

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(engine, file, queue):
    with tempfile.TemporaryFile() as log:
        server = Server(engine, file, queue, log)
        try:
            server.wait_until_up()
            yield server
        finally:
            server.end()


class Load:
    """The load generator: run(server, …) gives its figures."""

    def __init__(self, program, limit_s):
        self.program, self.limit_s = program, limit_s
        if not os.access(program, os.X_OK) or os.path.isdir(program):
            raise CompareError(f"{program} is not there, or is not a program; ninja load makes it")

    def run(self, server, **options):
        flags = [word for name, value in options.items()
                 for word in (f"--{name.replace('_', '-')}", str(value))]
        command = [self.program, server.url, "--json", "-", "--timeout", str(self.limit_s), *flags]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            output, errors = process.communicate()
        except BaseException:
            process.kill()
            process.wait()
            raise
        server.check_alive()
        try:
            return json.loads(output)
        except ValueError as error:
            raise CompareError(f"{os.path.basename(self.program)} gave no figures: "
                               f"{errors.strip()}\n  the command: {shlex.join(command)}") from error


class Watch:
    """The most that a server holds while a block runs."""

    def __init__(self, server, every_s=0.05):
        self.server, self.every_s, self.most = server, every_s, server.facts()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.wait(self.every_s):
            try:
                self.most = Facts(*map(max, self.most, facts_of(self.server.process.pid)))
            except (OSError, TypeError):
                return  # it has ended; who measures will say so

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
