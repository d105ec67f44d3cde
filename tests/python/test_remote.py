"""Models that lie elsewhere: `explain` and `show` fetch their headers, from servers of every kind
on loopback and from a stand-in of a hub.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import http.server
import json
import os
import re
import subprocess
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not {"HANDMILL_BIN", "HANDMILL_MODELS"} <= os.environ.keys()
    and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BIN and HANDMILL_MODELS are not set")

SMALL = "smollm2-135m-instruct-q4_1"
SPEC = "100GB/s,2TFLOPS,8GB"
TOKEN = "hf_secret"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Range"),
                                 self.headers.get("Authorization")))
        self.server.answer(self)

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content_Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:  # who has the header hangs up
            self.close_connection = True

    def file(self, data, ranges=True, **headers):
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if not ranges or not wanted:
            return self.say(200, data, **headers)
        first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
        return self.say(206, data[first:last + 1],
                        Content_Range=f"bytes {first}-{last}/{len(data)}", **headers)


@pytest.fixture(name="serve")
def make_serve():
    servers = []

    def serve(answer):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads, server.seen, server.answer = True, [], answer
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        servers.append(server)
        return server
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(name="model", scope="module")
def read_model():
    return (Path(os.environ["HANDMILL_MODELS"]) / f"{SMALL}.gguf").read_bytes()


@pytest.fixture(name="call")
def make_call(tmp_path):
    def call(*words, **variables):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("HF_") and not name.lower().endswith("_proxy")}
        env |= {"HANDMILL_HOME": str(tmp_path), **variables}
        return subprocess.run([os.environ["HANDMILL_BIN"], *words], env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return call


@pytest.fixture(name="explain")
def make_explain(call):
    def explain(*words, **variables):
        done = call("explain", *words, "--on", SPEC, "--json", **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return explain


@pytest.fixture(name="fails")
def make_fails(call):
    def fails(url, *words, **variables):
        done = call("explain", url, "--on", SPEC, **variables)
        assert done.returncode == 1 and not done.stdout
        assert done.stderr.startswith("handmill: ") and done.stderr.count("\n") == 1
        for word in words:
            assert word in done.stderr
    return fails


def without_origin(told):
    return {key: value for key, value in told.items() if key != "shape_from"}


@pytest.mark.parametrize("ranges", [True, False])
def test_a_header_tells_what_the_file_tells(serve, explain, call, model, ranges):
    server = serve(lambda request: request.file(model, ranges, ETag='"one"'))
    url = f"{server.url}/some/{SMALL}.gguf"
    here = explain(f"{os.environ['HANDMILL_MODELS']}/{SMALL}.gguf")
    there = explain(url)
    assert without_origin(here) == without_origin(there)
    assert here["shape_from"] == "the file"
    assert there["shape_from"].startswith(f"the header at {url}: ")
    asked = [tuple(map(int, re.findall(r"\d+", seen[1]))) for seen in server.seen]
    assert len(asked) > 1 and asked[0] == (0, 2**20 - 1)
    assert all(before[1] + 1 == after[0] for before, after in zip(asked, asked[1:]))
    assert asked[-1][1] < len(model) / 4
    fetched = sum(last + 1 - (first if ranges else 0) for first, last in asked)
    assert ranges is False or f" {fetched / 1e6:.2f} MB of its " in there["shape_from"]
    shown = call("show", url)
    assert shown.returncode == 0 and f"file          {url}" in shown.stdout
    assert call("show", url, "--template").stdout == call(
        "show", f"{os.environ['HANDMILL_MODELS']}/{SMALL}.gguf", "--template").stdout


def test_redirects_are_followed(serve, explain, model):
    store = serve(lambda request: request.file(model))
    front = serve(lambda request: request.say(302, Location=f"{store.url}/blob?signed=yes"))
    assert explain(f"{front.url}/{SMALL}.gguf")["model"] == SMALL
    assert len(front.seen) == len(store.seen) > 1


def test_a_truncated_file_is_refused(serve, fails, model):
    cut = model[:len(model) // 2]
    server = serve(lambda request: request.file(cut))
    fails(f"{server.url}/m.gguf", f"{server.url}/m.gguf", "offset", "cut short or damaged")
    short = model[:5000]
    server = serve(lambda request: request.file(short))
    fails(f"{server.url}/m.gguf", f"{server.url}/m.gguf", "left")


@pytest.mark.parametrize("what", ["etag", "size"])
def test_a_file_that_changes_is_refused(serve, fails, model, what):
    def answer(request):
        count = len(server.seen)
        data = model if what == "etag" else model[:len(model) - count]
        request.file(data, ETag=f'"{count if what == "etag" else 0}"')
    server = serve(answer)
    fails(f"{server.url}/m.gguf", f"{server.url}/m.gguf", "changed while it was read")


def test_an_answer_that_breaks_off_is_told(serve, fails, model):
    def answer(request):
        request.say(206, model[:1000], Content_Length=2**20,
                    Content_Range=f"bytes 0-{2**20 - 1}/{len(model)}")
        request.close_connection = True
    server = serve(answer)
    fails(f"{server.url}/m.gguf", f"127.0.0.1:{server.server_port}", "ends after 1000 bytes")


def test_what_is_no_model_is_told(serve, fails):
    page = b"<!doctype html><title>Sign in</title>"
    server = serve(lambda request: request.file(page, Content_Type="text/html; charset=utf-8"))
    fails(f"{server.url}/m.gguf", "web page")
    server = serve(lambda request: request.file(b'{"error": 1}', Content_Type="text/json"))
    fails(f"{server.url}/m.gguf", "magic at byte 0", "GGUF")
    server = serve(lambda request: request.say(404, b'{"error":"Entry not found"}\x1b[2J'))
    fails(f"{server.url}/m.gguf", f"{server.url}/m.gguf: status 404 (not found)", "Entry not found")
    server.shutdown()
    server.server_close()
    fails(f"{server.url}/m.gguf", f"127.0.0.1:{server.server_port}", "Connection refused")


def test_a_file_of_unknown_size_is_refused(serve, fails, model):
    def answer(request):
        request.say(206, model[:2**20], Content_Range=f"bytes 0-{2**20 - 1}/*")
    fails(f"{serve(answer).url}/m.gguf", "does not say how large")


@pytest.fixture(name="hub")
def make_hub(serve, model):
    store = serve(lambda request: request.file(model))
    files = ["README.md", "x-Q8_0.gguf", "x-Q4_1.gguf", "a b/x.gguf"]

    def answer(request):
        if request.path == "/base/api/models/own/x-GGUF/revision/main":
            siblings = [{"rfilename": name} for name in files]
            return request.say(200, json.dumps({"id": "own/x-GGUF", "siblings": siblings}).encode())
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return request.say(401, b"Invalid username or password.")
        if request.path in ("/base/own/x-GGUF/resolve/main/x-Q4_1.gguf",
                            "/base/own/x-GGUF/resolve/main/a%20b/x.gguf"):
            return request.say(302, Location=f"{store.url}/signed")
        return request.say(404, b"Entry not found")
    hub = serve(answer)
    hub.store, hub.variables = store, {"HF_ENDPOINT": f"{hub.url}/base/", "HF_TOKEN": f" {TOKEN}\n"}
    return hub


@pytest.mark.parametrize("name", [
    "hf:own/x-GGUF:q4_1", "hf.co/own/x-GGUF:Q4_1", "https://huggingface.co/own/x-GGUF:Q4_1",
    "https://huggingface.co/own/x-GGUF/blob/main/x-Q4_1.gguf", "hf:own/x-GGUF/a b/x.gguf"])
def test_names_of_a_hub(hub, explain, name):
    told = explain(name, **hub.variables)
    assert told["parameters"] == 134_515_008
    assert {seen[2] for seen in hub.seen} == {f"Bearer {TOKEN}"}
    assert hub.store.seen and {seen[2] for seen in hub.store.seen} == {None}


def test_what_a_hub_lacks(hub, fails):
    fails("hf:own/x-GGUF:Q5_0", "own/x-GGUF has no Q5_0 file; there are: x-Q8_0.gguf, x-Q4_1.gguf",
          **hub.variables)
    fails("hf:own/x-GGUF", "no Q4_K_M file", **hub.variables)
    fails("hf:own/none/x.gguf", "status 404", **hub.variables)
    fails("hf:own/x-GGUF:Q4_1", "status 401", "HF_TOKEN is not set",
          HF_ENDPOINT=hub.variables["HF_ENDPOINT"])
    fails("hf:own", "would be right", **hub.variables)


def test_a_token_is_for_the_hub_alone(serve, explain, model):
    server = serve(lambda request: request.file(model))
    explain(f"{server.url}/m.gguf", HF_TOKEN=TOKEN)
    assert {seen[2] for seen in server.seen} == {None}
