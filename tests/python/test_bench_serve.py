"""bench/serve with two servers that stream at speeds which the test sets, and the real load
generator.

Environment: HANDMILL_BUILD the folder of a build that has tests."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import stand_in_server

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--users", 3, "--alone", 2, "--each", 2, "--prompt", 8, "--output", 4, "--prefix", 20,
         "--rounds", 2]

pytestmark = pytest.mark.skipif(
    "HANDMILL_BUILD" not in os.environ and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BUILD is not set")


class Bench:
    def __init__(self, folder):
        self.folder = folder
        for name in "handmill", "llama-server":
            path = folder / name
            path.write_text(f"#!{sys.executable}\n"
                            + Path(stand_in_server.__file__).read_text(encoding="utf-8"))
            path.chmod(0o755)
        self.model = folder / "a & <b>|c.gguf"
        self.model.touch()
        self.plan = {"handmill": {"first_s": 0.02, "token_s": 0.01},
                     "llama-server": {"first_s": 0.3, "token_s": 0.05}}

    def command(self, *words):
        (self.folder / "plan.json").write_text(json.dumps(self.plan))
        return list(map(str, [
            sys.executable, ROOT / "bench/serve", "--handmill", self.folder / "handmill", "--peer",
            self.folder, "--load", Path(os.environ["HANDMILL_BUILD"]) / "bench/load/load",
            "-t", 2, self.model, *words]))

    def run(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120)

    def found(self, *words):
        done = self.run(*words, "--json", self.folder / "out.json")
        assert done.returncode == 0, done.stderr
        return json.loads((self.folder / "out.json").read_text())

    def calls(self):
        lines = (self.folder / "calls").read_text().splitlines()
        return [call for call in map(json.loads, lines) if "--version" not in call]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def flag(call, name):
    return call[call.index(name) + 1]


def test_both_side_by_side(bench, tmp_path):
    report = bench.found(*SMALL, "--md", tmp_path / "a.md", "--svg", tmp_path / "a.svg")
    rows = {(row["scenario"], row["measure"]): row for row in report["rows"]}
    assert len(rows) == 4 * 6
    for scenario in {scenario for scenario, _ in rows}:
        ttft, output = rows[scenario, "TTFT p95"], rows[scenario, "output"]
        assert ttft["handmill"]["median"] >= 0.02 and ttft["peer"]["median"] >= 0.3
        assert ttft["ratio"]["median"] < 1 < output["ratio"]["median"]
        assert len(ttft["peer"]["rounds"]) == 2
    table = (tmp_path / "a.md").read_text()
    assert "handmill 9.8.7" in table and "llama-server 1.2.3 (build 7)" in table
    assert "3 cold users, 20 tokens shared" in table and "a & <b>\\|c" in table
    plot = ElementTree.parse(tmp_path / "a.svg").getroot()
    ratios = [text.text for text in plot.iter("{http://www.w3.org/2000/svg}text")
              if text.get("class") == "ratio"]
    assert len(ratios) == 24


def test_both_get_the_same_and_take_turns(bench):
    bench.found(*SMALL, "--slots", 5, "--context", 100)
    calls = bench.calls()
    assert [call[0] for call in calls] == ["handmill", "llama-server", "llama-server", "handmill"]
    ours, peer = calls[:2]
    assert flag(peer, "-np") == "5" and flag(peer, "-c") == "500" and flag(peer, "-t") == "2"
    assert flag(ours, "-t") == "2" and flag(ours, "--model") == flag(peer, "-m")
    assert flag(ours, "--context") == "500" and flag(ours, "--parallel") == "5"


def test_a_warm_user_follows_a_cold_one(bench):
    report = bench.found(*SMALL, "--scenario", "warm")
    assert {row["scenario"] for row in report["rows"]} == {"3 warm users, 20 tokens shared"}
    assert report["runs"][0]["figures"][0]["requests"] == 3


def test_endurance_of_handmill_alone(bench):
    report = bench.found(*SMALL, "--scenario", "streams,leaving", "--streams", 40, "--leaving", 60)
    tests = {one["test"]: one["found"] for one in report["endurance"]}
    assert report["rows"] == [] and {call[0] for call in bench.calls()} == {"handmill"}
    streams, leaving = tests["streams"], tests["leaving"]
    assert streams["streams at once"] == streams["whole answers"] == 40
    assert streams["failed"] == 0 and streams["memory in all, MB"] > 1
    assert streams["threads"] > 20  # a thread for each, as the stand-in does it
    assert leaving["requests"] == 60 and 5 < leaving["left early"] < 40
    assert leaving["still running"] == 0 and leaving["descriptors more than before"] == 0


def test_what_is_left_behind_is_told(bench):
    bench.plan["handmill"]["leftover"] = {"vllm:num_requests_waiting": 2}
    done = bench.run(*SMALL, "--scenario", "leaving", "--leaving", 20, "--settle", 1)
    assert "| still waiting | 2 |" in done.stdout, done.stderr


def test_failures_end_it_and_say_why(bench):
    bench.plan["llama-server"]["faults"] = {"3": 500}
    done = bench.run(*SMALL, "--md", bench.folder / "out.md")
    assert done.returncode == 1 and not (bench.folder / "out.md").exists()
    assert "llama-server, 3 users: 1 of 6 requests failed" in done.stderr
    assert "http 500" in done.stderr and "it is busy" in done.stderr
    bench.plan["llama-server"] = {"fails": True}
    done = bench.run(*SMALL)
    assert done.returncode == 1 and "llama-server ended with status 1" in done.stderr
    assert "the model is broken" in done.stderr


@pytest.mark.parametrize(("words", "told"), [
    (["--scenario", "one,two"], "two"), (["--users", "0"], "0"), (["--context", "64"], "too small"),
    (["--md", "/nowhere/x.md"], "/nowhere"), (["no.gguf"], "no.gguf"),
    (["--load", "/bin/no-such-load"], "no-such-load"),
])
def test_what_makes_no_sense_is_refused(bench, words, told):
    done = bench.run(*words)
    assert done.returncode in (1, 2) and told in done.stderr
    assert bench.folder.joinpath("calls").exists() is False or bench.calls() == []


def test_an_interruption_ends_the_servers(bench):
    bench.plan["handmill"]["first_s"] = 30
    process = subprocess.Popen(bench.command(*SMALL), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 30
    while not (bench.folder / "calls").exists() or not bench.calls():
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.5)
    port = flag(bench.calls()[0], "--port")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert not [line for line in listed.splitlines() if f"--port {port}" in line]
