"""A real `handmill serve` for tests: started on a free port of the loopback with the real default
model, asked without any client library in between, and ended.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

MODEL = "smollm2-135m-instruct-q4_1"
QUESTION = "Where is the Eiffel Tower?"

needed = pytest.mark.skipif(
    not {"HANDMILL_BIN", "HANDMILL_MODELS"} <= os.environ.keys()
    and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BIN and HANDMILL_MODELS are not set")


class Answer(NamedTuple):
    status: int
    headers: dict  # names in lower case
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Stream:
    """Server-sent events as they come. close() is what a client does that goes away."""

    def __init__(self, port, path, body):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.connection.request("POST", path, json.dumps(body),
                                {"Content-Type": "application/json"})
        self.socket = self.connection.sock
        self.response = None

    def events(self):
        """The JSON of each event, up to [DONE], without which a stream is not whole."""
        self.response = self.response or self.connection.getresponse()
        if self.response.status != 200:
            raise AssertionError((self.response.status, self.response.read()))
        for line in self.response:
            if line.startswith(b"data: [DONE]"):
                return
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
        raise AssertionError("the stream ended without [DONE]")

    def close(self):
        # A response holds the socket open beyond its connection.
        self.socket.shutdown(socket.SHUT_RDWR)
        if self.response:
            self.response.close()
        self.connection.close()


class Server:
    def __init__(self, folder, *flags, model=MODEL):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = Path(folder) / f"serve-{self.port}.log"
        path = Path(os.environ["HANDMILL_MODELS"]) / f"{model}.gguf"
        command = [os.environ["HANDMILL_BIN"], "serve", "--model", path, "--port", self.port,
                   *flags]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | {"HANDMILL_HOME": str(folder)})

    @property
    def log(self):
        return self.log_file.read_text(errors="replace")

    def wait_until_up(self):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log
            try:
                if self.ask("GET", "/health").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not come up\n{self.log}")

    def ask(self, method, path, body=None, headers=None, timeout=300):
        """`body`: bytes as they are, or what is to be JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        try:
            connection.request(method, path, body,
                               {"Content-Type": "application/json"} | (headers or {}))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())
        finally:
            connection.close()

    def post(self, path, **body):
        """The JSON of an answer that must be there."""
        answer = self.ask("POST", path, body)
        assert answer.status == 200, (answer, self.log)
        return answer.json

    def stream(self, path="/v1/completions", **body):
        return Stream(self.port, path, {"model": MODEL, "stream": True} | body)

    def metric(self, name):
        """A figure of /metrics, of all models that are loaded together."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        assert any(line.startswith(f"# TYPE {name} ") for line in lines), f"there is no {name}"
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines
                   if re.match(re.escape(name) + r"(\{| )", line))

    def wait_until(self, name, value, seconds=60):
        until = time.monotonic() + seconds
        while (found := self.metric(name)) != value:
            assert time.monotonic() < until, f"{name} stays {found}, not {value}\n{self.log}"
            time.sleep(0.02)

    def wait_until_idle(self):
        self.wait_until("vllm:num_requests_running", 0)
        self.wait_until("vllm:num_requests_waiting", 0)

    def stop(self, seconds=60):
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(*flags, model=MODEL):
    """A server that answers; it must still be there at the end."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, *flags, model=model)
        try:
            server.wait_until_up()
            yield server
            assert server.process.poll() is None, server.log
        finally:
            server.end()


def at_once(*calls):
    """The results of calls that are made at the same time."""
    results = [None] * len(calls)

    def call(i):
        try:
            results[i] = calls[i]()
        except BaseException as error:  # told by the caller's thread
            results[i] = error

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def program(*words, stdin=b""):
    """What another command of handmill writes to standard output."""
    done = subprocess.run([os.environ["HANDMILL_BIN"], *map(str, words)], input=stdin,
                          capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def model_path(model=MODEL):
    return Path(os.environ["HANDMILL_MODELS"]) / f"{model}.gguf"
