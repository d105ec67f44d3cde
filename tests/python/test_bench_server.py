"""handmill bench --url against a real server with the real default model, and against one that is
none."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import serving
from serving import MODEL

pytestmark = serving.needed


def bench(url, *words, **environment):
    return subprocess.run([os.environ["HANDMILL_BIN"], "bench", "--url", url, *map(str, words)],
                          env=os.environ | environment, capture_output=True, timeout=300,
                          check=False)


@pytest.fixture(name="url", scope="module")
def make_url():
    with serving.running() as server:
        yield f"http://127.0.0.1:{server.port}/v1"


def test_scenarios_are_measured_from_outside(url):
    done = bench(url, "--scenario", "turns,batches", "-c", 1024, "-r", 2, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["environment"]["target"] == url
    results = {result["test"]: result for result in record["results"]}
    assert {"turn 1", "turn 2", "batch 1", "batch 2"} <= results.keys()
    for result in results.values():
        assert result["model"] == MODEL and result["kv"] == "" and result["threads"] == 0
        assert len(result["requests"]) == 2 * result["batch"]
        for request in result["requests"]:
            assert 0 < len(request["piece_s"]) <= request["answer_tokens"] <= result["answer"]
            assert request["piece_s"] == sorted(request["piece_s"])
            assert request["end_s"] >= request["piece_s"][-1]
        assert result["ttft_s"]["median"] > 0 and "pp_tok_s" not in result
    # The second turn finds the first in the cache; nothing else is there twice.
    assert all(one["cached_tokens"] > 0 for one in results["turn 2"]["requests"])
    assert all(one["cached_tokens"] < 64 for one in results["batch 2"]["requests"])


def test_a_model_can_be_named_and_a_wrong_one_is_told(url):
    assert bench(url, MODEL, "--scenario", "chat", "-r", 1).returncode == 0
    done = bench(url, "nobody", "-r", 1)
    assert done.returncode == 1 and b"nobody" in done.stderr and b"404" in done.stderr


class NoServer(BaseHTTPRequestHandler):
    """Answers whatever the test says, and notes what it was sent."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.keys.append(self.headers.get("Authorization"))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture(name="stand_in")
def make_stand_in():
    server = HTTPServer(("127.0.0.1", 0), NoServer)
    server.keys, server.body = [], b""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("body", "message"), [
    (b"<html>hello</html>", b"before its end"), (b"data: <html>\n\n", b"no JSON object"),
    (b'data: {"error":{"message":"no room"}}\n\n', b"no room"),
    (b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n', b"counts no tokens")])
def test_what_is_no_such_server_is_told(stand_in, body, message):
    stand_in.body = body
    done = bench(f"http://127.0.0.1:{stand_in.server_port}/v1", "m", "-r", 1)
    assert done.returncode == 1 and message in done.stderr, done.stderr


def test_a_key_comes_from_the_environment(stand_in):
    stand_in.body = b'{"data":[]}'
    url = f"http://127.0.0.1:{stand_in.server_port}/v1/"
    done = bench(url, "--api-key-env", "THE_KEY", THE_KEY="secret of mine")
    assert done.returncode == 1 and b"lists no model" in done.stderr
    assert stand_in.keys == ["Bearer secret of mine"]
    assert b"secret" not in done.stderr
    done = bench(url, "--api-key-env", "NO_SUCH_KEY")
    assert done.returncode == 1 and b"NO_SUCH_KEY is not set" in done.stderr


def test_what_does_not_go_with_a_server(stand_in):
    url = f"http://127.0.0.1:{stand_in.server_port}/v1"
    for words in (["-p", "5"], ["--scenario", "depths"]):
        assert bench(url, *words).returncode == 2
    assert stand_in.keys == []
