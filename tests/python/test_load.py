"""The load generator against a server whose speed and faults are the test's.

Environment: HANDMILL_BUILD the folder of a build that has tests."""

import json
import os
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

import stand_in_server

pytestmark = pytest.mark.skipif(
    "HANDMILL_BUILD" not in os.environ and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BUILD is not set")


@contextmanager
def server(**plan):
    one = stand_in_server.Server(plan)
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield one
    finally:
        one.shutdown()
        thread.join()
        one.server_close()


def call(url, *words):
    program = Path(os.environ["HANDMILL_BUILD"]) / "bench/load/load"
    return subprocess.run([program, url, *map(str, words)], capture_output=True, text=True,
                          timeout=120)


def figures(one, *words):
    done = call(f"http://127.0.0.1:{one.server_port}", "--json", "-", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_times_are_those_of_the_server():
    with server(first_s=0.2, token_s=0.05) as one:
        found = figures(one, "--requests", 4, "--users", 2, "-n", 5, "-p", 12)
    assert (found["whole"], found["failed"], found["peak_open"]) == (4, 0, 2)
    # A sleep never ends early. What more another program makes of it, all times have in common.
    ttft, tpot, gap, whole = (found[name]["mean"] for name in ("ttft_s", "tpot_s", "itl_s",
                                                               "whole_s"))
    assert ttft >= 0.2 and tpot >= 0.05 and found["itl_s"]["count"] == 16
    assert gap == pytest.approx(tpot)
    assert ttft + 4 * tpot <= whole
    assert found["duration_s"] >= 0.8  # two after one another
    assert found["prompt_tokens"] == 48 and found["completion_tokens"] == 20
    assert found["output_tok_s"] == pytest.approx(20 / found["duration_s"])
    assert found["total_tok_s"] == pytest.approx(68 / found["duration_s"])
    assert found["good"] == 4


def test_pieces_of_any_size_are_the_same_stream():
    with server(piece=1, cached=7) as one:
        found = figures(one, "--requests", 3, "-n", 4, "--chat", "--model", "m")
        assert found["whole"] == 3 and found["itl_s"]["count"] == 9
        assert found["cached_tokens"] == 21
        path, body = one.bodies[0]
        assert path == "/v1/chat/completions" and body["model"] == "m"
        assert body["ignore_eos"] is True and body["stream_options"] == {"include_usage": True}


def test_the_same_seed_asks_the_same():
    asked = []
    for seed in 1, 1, 2:
        with server() as one:
            figures(one, "--requests", 5, "-n", "1-9", "-p", "20-40", "--prefix", 10, "--seed",
                    seed)
            asked.append(one.bodies)
    assert asked[0] == asked[1] != asked[2]
    prompts = [body["prompt"].split() for bodies in asked for _, body in bodies]
    assert len({tuple(words[:10]) for words in prompts}) == 1
    assert len({tuple(words[10:20]) for words in prompts}) == 10


def test_arrivals_do_not_wait_for_answers():
    with server(first_s=0.5) as one:
        found = figures(one, "--rate", 40, "--requests", 20, "-n", 1)
        assert one.most > 10  # half a second's worth of arrivals at once
    assert found["whole"] == 20
    with server(first_s=0.02) as one:
        found = figures(one, "--users", 3, "--requests", 12, "-n", 1)
        assert one.most == 3 == found["peak_open"]


def test_a_duration_bounds_a_run():
    with server(first_s=0.1) as one:
        found = figures(one, "--users", 1, "--requests", 10000, "-n", 1, "--duration", 1)
        assert 1 <= found["requests"] <= 10
        found = figures(one, "--rate", 20, "--requests", 10000, "-n", 1, "--duration", 1)
        assert 5 < found["requests"] < 50


@pytest.mark.parametrize(("fault", "kind", "detail"), [
    (503, "http 503", "it is busy"), (400, "http 400", "it is busy"), ("cut", "cut off", ""),
    ("error", "error in the stream", "the model is broken"), ("garbage", "broken event", "JSON"),
    ("short", "other length", "4 tokens, and 5"), ("no usage", "no usage", ""),
    ("not done", "cut off", "no [DONE]"),
])
def test_failures_are_named_and_counted(fault, kind, detail):
    with server(faults={"1": fault}) as one:
        found = figures(one, "--requests", 4, "-n", 5)
    assert (found["whole"], found["failed"]) == (3, 1)
    assert found["errors"] == {kind: 1}
    assert detail.lower() in found["details"][kind].lower()
    assert found["ttft_s"]["count"] == 3


def test_503_needs_retry_after():
    with server(faults={"0": 503}, retry_after=False) as one:
        assert figures(one, "--requests", 1)["errors"] == {"http 503, no Retry-After": 1}


def test_nobody_there():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # and does not listen
        done = call(f"http://127.0.0.1:{probe.getsockname()[1]}", "--requests", 3)
    assert done.returncode == 0 and "3 failed" in done.stdout
    assert "Connection refused: 3" in done.stdout


def test_a_timeout_ends_a_request():
    with server(first_s=5) as one:
        found = figures(one, "--requests", 2, "--users", 2, "--timeout", 0.3)
    assert found["errors"] == {"timeout": 2}


def test_too_many_connections_fail():
    with server(first_s=0.5) as one:
        found = figures(one, "--rate", 200, "--requests", 20, "-n", 1, "--open-max", 4)
    assert found["peak_open"] == 4
    assert found["errors"]["not sent"] == 20 - found["whole"] > 5


def test_clients_that_leave():
    with server(first_s=0.02, token_s=0.02) as one:
        found = figures(one, "--requests", 60, "--users", 20, "-n", 20, "--disconnect", 0.5,
                        "--disconnect-within", 0.2)
        assert found["failed"] == 0 and found["whole"] + found["left"] == 60
        assert 15 < found["left"] < 45
    assert one.left > 5  # some of them in the middle of a write


def test_goodput_counts_what_keeps_the_goal():
    with server(first_s=0.1, token_s=0.02) as one:
        every = figures(one, "--requests", 3, "-n", 3, "--goodput", "ttft<5s,tpot<2000ms")
        none = figures(one, "--requests", 3, "-n", 3, "--goodput", "ttft<50ms")
    assert every["good"] == 3 and every["good_s"] > 0 and none["good"] == 0


def test_reports(tmp_path):
    with server() as one:
        done = call(f"http://127.0.0.1:{one.server_port}/", "--requests", 2, "-n", 3, "--json",
                    tmp_path / "a.json", "--md", tmp_path / "a.md", "--goodput", "ttft<9")
    for words in "2 requests", "TTFT, s", "TPOT, ms", "goodput under TTFT < 9 s", "100.0 %":
        assert words in done.stdout
    assert json.loads((tmp_path / "a.json").read_text())["whole"] == 2
    assert (tmp_path / "a.md").read_text().count("\n| ") == 5


@pytest.mark.parametrize("words", [
    ["http://example.com"], ["http://10.0.0.1:80"], ["http://127.0.0.1@example.com/"],
    ["https://127.0.0.1:1"], ["http://127.0.0.1:1", "-p", "0"], ["http://127.0.0.1:1", "-n", "9-1"],
    ["http://127.0.0.1:1", "--goodput", "x<1"], ["http://127.0.0.1:1", "--rate", "0"],
    ["http://127.0.0.1:1", "--rate", "1", "--users", "2"], ["http://127.0.0.1:1", "--users", "x"],
    ["http://127.0.0.1:1", "--disconnect", "2"], [],
])
def test_what_makes_no_sense_is_refused(words):
    done = call(*words) if words else call("--json")
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr
