"""handmill bench on the real default model: speeds, scenarios, comparison and the page.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import csv
import json
import os
import statistics
import subprocess
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.skipif(
    not {"HANDMILL_BIN", "HANDMILL_MODELS"} <= os.environ.keys()
    and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BIN and HANDMILL_MODELS are not set")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "models").symlink_to(os.environ["HANDMILL_MODELS"])
    return folder


@pytest.fixture(scope="module")
def call(home):
    def run(*words, stdin=b"", **environment):
        env = os.environ | {"HANDMILL_HOME": str(home), "NO_COLOR": ""} | environment
        return subprocess.run([os.environ["HANDMILL_BIN"], *map(str, words)], input=stdin, env=env,
                              capture_output=True, timeout=600)
    return run


def test_bench(call):
    words = ["bench", "-p", "16", "-n", "4,6", "-d", "0,64", "-t", 1, "-r", 2, "--batch", 2]
    results = json.loads(call(*words, "-o", "json").stdout)
    assert [(r["test"], r["depth"]) for r in results] == [
        (test, depth) for depth in (0, 64) for test in ("pp16", "tg4", "tg6")]
    for r in results:
        speed = r["tok_s"]
        assert 0 < speed["low"] <= speed["median"] <= speed["high"] < 1e6
        assert (r["threads"], r["batch"], r["kv"], r["repeats"]) == (1, 2, "f16", 2)
        for roof in ("read_bytes_s", "int8_ops_s"):
            rate = r["roofs"][roof]
            assert 1e7 < rate["low"] <= rate["median"] <= rate["high"] < 1e15
        for part in (r["of_read_roof"], r["of_int8_roof"]):
            assert 0 < part["low"] <= part["median"] <= part["high"]
        assert r["bound"] in ("read", "int8")
    table = call("bench", "-p", 8, "-n", 0, "-r", 1, "--kv", "q8_0")
    assert table.returncode == 0 and b"pp8" in table.stdout and b"tg" not in table.stdout
    rows = call("bench", "-p", 0, "-n", 2, "-r", 1, "-o", "csv").stdout.decode().splitlines()
    assert rows[0].startswith("test,depth,") and rows[1].startswith("tg2,0,1,")
    names, values = csv.reader(rows)
    assert len(names) == len(values) and dict(zip(names, values))["bound"] in ("read", "int8")
    lines = call("bench", "-p", "8,9", "-n", 0, "-r", 1, "--jsonl").stdout.splitlines()
    assert [json.loads(line)["test"] for line in lines] == ["pp8", "pp9"]
    markdown = call("bench", "-p", 8, "-n", 0, "-r", 1, "--md").stdout.decode().splitlines()
    rows = [line for line in markdown if line.startswith("|")]
    assert len(rows) == 3 and len({row.count("|") for row in rows}) == 1


def test_bench_repeats_until_it_knows_or_says_that_it_does_not(call):
    words = ["bench", "-p", 8, "-n", 0, "--json"]
    record = json.loads(call(*words, "--tight", "100", "--most", "9").stdout)
    [result] = record["results"]
    speed = result["tok_s"]
    assert result["repeats"] == len(speed["runs"]) and 6 <= result["repeats"] <= 9
    low, high = speed["ci95"]
    assert speed["low"] <= low <= speed["median"] <= high <= speed["high"]
    if result["repeats"] < 9:  # it stopped because it knew enough
        assert speed["tight"]
        assert max(high - speed["median"], speed["median"] - low) <= speed["median"]
    record = json.loads(call(*words, "--tight", "0.000001", "--most", "7").stdout)
    [result] = record["results"]
    assert result["repeats"] == 7 and not result["tok_s"]["tight"] and result["tok_s"]["noisy"]
    assert record["tight"] == pytest.approx(1e-8)
    assert "95 of 100" in record["definitions"]["ci95"] and "tok_s" in record["definitions"]
    environment = record["environment"]
    assert environment["cpu"] and environment["isa"] and environment["version"]
    assert isinstance(environment["noise"]["refusals"], list)
    table = call("bench", "-p", 8, "-n", 0, "-r", 2).stdout.decode()
    assert "noisy: less than six runs" in table


def test_bench_of_scenarios(call):
    words = ["bench", "--scenario", "turns,batches", "-r", 2, "-c", 500, "--slo", "tg=0.001"]
    record = json.loads(call(*words, "--json").stdout)
    results = {r["test"]: r for r in record["results"]}
    assert list(results) == ["turn 1", "turn 2", "batch 1", "batch 2", "batch 4", "batch 8"]
    for r in results.values():
        assert len(r["requests"]) == 2 * r["batch"] and r["threads"] >= 1
        for one in r["requests"]:
            new = one["prompt_tokens"] - one["cached_tokens"]
            assert one["prompt_tokens"] == r["depth"] + r["prompt"]
            assert r["prompt"] <= new < r["prompt"] + 128
            assert len(one["piece_s"]) == one["answer_tokens"] == r["answer"]
            assert 0 < one["piece_s"][0] and one["piece_s"] == sorted(one["piece_s"])
        # The definitions, from the requests of the first run.
        first = r["requests"][:r["batch"]]
        assert r["ttft_s"]["runs"][0] == pytest.approx(
            statistics.median(one["piece_s"][0] for one in first), abs=1e-5)
        assert r["tg_tok_s"]["runs"][0] == pytest.approx(
            statistics.median((one["answer_tokens"] - 1)
                              / (one["piece_s"][-1] - one["piece_s"][0]) for one in first),
            rel=1e-3)
        assert r["pp_tok_s"]["runs"][0] == pytest.approx(
            statistics.median((one["prompt_tokens"] - one["cached_tokens"]) / one["prefill_s"]
                              for one in first), rel=1e-3)
        assert r["goal"] == {"wants": "tg=0.001", "reached": True, "share": 1}
        assert r["peak_rss_bytes"] > 50e6
    assert results["turn 1"]["requests"][0]["cached_tokens"] == 0
    assert results["turn 2"]["requests"][0]["cached_tokens"] == 128  # whole blocks of 191
    lines = call("bench", "--scenario", "chat", "-r", 1, "-p", 0, "-n", 3, "--slo", "tg=1e9"
                 ).stdout.decode().splitlines()
    assert sum(line.startswith("tg3 ") for line in lines) == 1
    assert [line.endswith("missed, 0 %") for line in lines if line.startswith("chat ")] == [True]


def test_bench_counts_what_it_holds_against_the_roofs(call, home):
    words = ["bench", "smollm2-135m-instruct-q4_1", "-r", 1, "-o", "json"]
    empty, deep = json.loads(call(*words, "-p", 0, "-n", 4, "-d", "0,64").stdout)
    _, both = json.loads(call(*words, "-p", 128, "-n", 4, "--batch", 2).stdout)
    # SmolLM2-135M: 30 layers, 3 kv heads of 64 numbers, 2 bytes each, keys and values. The answer's
    # tokens see 2 to 5 positions behind a prompt of one token, 65 to 68 behind one of 64.
    position = 30 * 3 * 64 * 2 * 2
    assert empty["kv_bytes_per_token"] == both["kv_bytes_per_token"] == 3.5 * position
    assert deep["kv_bytes_per_token"] == 66.5 * position
    weights = [r["bytes_per_token"] - r["kv_bytes_per_token"] for r in (empty, deep, both)]
    embedding_row = 576 // 32 * 34  # Q8_0
    assert weights[0] == weights[1] == 2 * weights[2] - embedding_row
    file = (home / "models/smollm2-135m-instruct-q4_1.gguf").stat().st_size
    assert 0.97 * file < weights[0] < file  # its head is its embedding; the rest is the vocabulary
    # Every multiply-add is of a weight, or of a query (9 heads) and a position.
    attention = 4 * 30 * 9 * 64
    assert deep["attention_ops_per_token"] == 66.5 * attention
    assert deep["ops_per_token"] - empty["ops_per_token"] == 63 * attention
    for r in (empty, deep, both):
        ratio = r["tok_s"]["median"] * r["bytes_per_token"] / r["roofs"]["read_bytes_s"]["median"]
        assert r["of_read_roof"]["median"] == pytest.approx(ratio)
        ratio = r["tok_s"]["median"] * r["ops_per_token"] / r["roofs"]["int8_ops_s"]["median"]
        assert r["of_int8_roof"]["median"] == pytest.approx(ratio)


@pytest.fixture(scope="module")
def record(call, tmp_path_factory):
    """A bench, and the page that it wrote beside."""
    page = tmp_path_factory.mktemp("bench") / "page.html"
    done = call("bench", "--scenario", "chat", "-p", 8, "-n", 0, "-d", "0,64", "-r", 6, "--html",
                page, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), page


def scaled(record, factor):
    copy = json.loads(json.dumps(record))
    for result in copy["results"]:
        for name in ("tok_s", "tg_tok_s"):
            if name in result:
                result[name]["runs"] = [run * factor for run in result[name]["runs"]]
    return copy


def test_two_benches_are_compared(call, record, tmp_path):
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(record[0]))
    for factor, code in ((1, 0), (0.2, 1), (5, 0)):
        after.write_text(json.dumps(scaled(record[0], factor)))
        done = call("bench", "compare", before, after, "--json")
        assert done.returncode == code, done.stderr
        told = json.loads(done.stdout)
        assert told["worse"] == (code == 1) and told["alone"] == []
        speeds = [one for one in told["figures"] if one["metric"].endswith("tok_s")]
        assert [one["test"] for one in speeds] == ["pp8", "pp8, depth 64", "chat"]
        for one in speeds:
            assert one["ratio"] == pytest.approx(factor)
            assert one["change"] == {1: "none", 0.2: "worse", 5: "better"}[factor]
        words = call("bench", "compare", before, after).stdout.decode()
        assert ("WORSE" in words) == (code == 1) and "All together" in words


def test_what_cannot_be_compared_says_why(call, record, tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(record[0]))
    other = json.loads(json.dumps(record[0]))
    other["environment"]["cpu"] = "another processor"
    for text, message in ((json.dumps(other), b"another processor"), ("{", b"bad.json"),
                          ("[]", b"bad.json"), ("", b"bad.json"),
                          (json.dumps(record[0] | {"results": []}), b"no test in common")):
        bad.write_text(text)
        done = call("bench", "compare", good, bad)
        assert done.returncode == 2 and message in done.stderr, (text[:40], done.stderr)
    bad.write_text(json.dumps(other))
    allowed = call("bench", "compare", good, bad, "--unlike")
    assert allowed.returncode == 0 and b"unlike: processor" in allowed.stdout
    assert call("bench", "compare", good, tmp_path / "none").returncode == 2
    assert call("bench", "compare", good).returncode == 2


def test_the_page_is_whole_and_needs_nothing_else(record):
    told, page = record
    text = page.read_text(encoding="utf-8")
    tree = ElementTree.fromstring(text.replace("<!DOCTYPE html>", "", 1))
    cells = {cell.text for cell in tree.iter("td")}
    assert {"pp8", "pp8, depth 64", "chat"} <= cells
    assert "pp8 by depth" in text and "<h3>TTFT</h3>" in text
    for outside in ("http:", "https:", "src=", "@import", "url("):
        assert outside not in text
    assert 'name="viewport"' in text and "prefers-color-scheme: dark" in text
    assert told["environment"]["cpu"] in "".join(tree.itertext())
