"""handmill bench on the real default model: speeds, scenarios, comparison and the page.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import csv
import json
import statistics
from xml.etree import ElementTree

import pytest

import program

pytestmark = program.needed


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return program.home_in(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def call(home):
    return program.caller(home)


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


def test_bench_compare(call, tmp_path):
    """From a real record, and ones in which its runs are made slower."""
    record = json.loads(call("bench", "-p", 8, "-n", 0, "-r", 1, "--json").stdout)
    [result] = record["results"]

    def write(name, factor, **changes):
        result["tok_s"]["runs"] = [factor * run for run in (99, 100, 101, 100.5, 99.5, 100)]
        path = tmp_path / name
        path.write_text(json.dumps({**record, "results": [{**result, **changes}]}))
        return path

    base, slow = write("base", 1), write("slow", 0.9)
    other = write("other", 1, kv="q8_0")
    for a, b, flags, code in [(base, base, [], 0), (base, slow, [], 1), (slow, base, [], 0),
                              (base, slow, ["--threshold", 15], 0),
                              (base, other, [], 2), (base, other, ["--unlike"], 0),
                              (base, tmp_path / "none", [], 2)]:
        done = call("bench", "compare", a, b, *flags)
        assert done.returncode == code, (a, b, flags, done)
        assert len(done.stderr.splitlines()) == (code == 2)
        assert (done.stdout == b"") == (code == 2)
    assert b'kv: "f16" and "q8_0"' in call("bench", "compare", base, other).stderr
    table = call("bench", "compare", base, slow).stdout.decode()
    assert "0.900" in table and "worse" in table and "10.0 % slower" in table
    [row] = json.loads(call("bench", "compare", base, slow, "--json").stdout)["rows"]
    assert row["change"] == "worse" and row["ratio"] == pytest.approx(0.9)
    assert row["p"] == pytest.approx(2 / 924)
    rows = tmp_path / "rows"
    rows.write_text("[]")
    refused = call("bench", "compare", rows, base)
    assert refused.returncode == 2 and b"rows: this is no record" in refused.stderr
    assert call("bench", "compare", base).returncode == 2
    page = call("bench", "compare", "--help").stdout
    assert page.startswith(b"Tell whether") and page == call("help", "bench", "compare").stdout
    assert b"bench compare" in call("--help").stdout


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
