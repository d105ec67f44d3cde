"""bench/compare on two stand-ins, whose speeds the test sets for each round."""

import json
import os
import signal
import stat
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import pytest

from compare_stand_ins import Bench

SVG = "{http://www.w3.org/2000/svg}"


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
    turns = 4 * ["handmill", "llama-bench"]  # at two depths of two files
    assert [call[0] for call in calls] == turns + turns[::-1] + turns
    for number, call in enumerate(calls):
        pairs = dict(zip(call, call[1:]))
        assert pairs["-t"] == "3"  # as many as handmill takes by itself
        assert pairs.get("-d", "0") == ("64" if number // 2 % 2 else "0")
        assert pairs.get("--kv", pairs.get("-ctk")) == "q8_0"
        assert (pairs.get("-ctv"), pairs.get("-fa")) == (
            (None, None) if call[0] == "handmill" else ("q8_0", "1"))


def test_single_tests_stand_beside_the_combinations(bench):
    bench.plan["speeds"] = {"handmill tg32 4096 1": [40], "llama-bench tg32 4096 1": [10],
                            "handmill tg16 0 8": [90], "llama-batched-bench tg16 8": [30]}
    rows = bench.rows("-p", 128, "-n", 0, "--rounds", 1, "--kv", "f16,q8_0",
                      "--also", "tg32@4096/q8_0,tg16x8,pp128")
    assert list(rows) == ["prefill 128", "prefill 128, kv q8_0", "decode 32, depth 4096, kv q8_0",
                          "decode 16, batch 8"]
    assert rows["decode 32, depth 4096, kv q8_0"]["ratio"]["median"] == 4
    assert rows["decode 16, batch 8"]["ratio"]["median"] == 3
    runs = [call for call in bench.calls() if "run" not in call]
    assert [dict(zip(call, call[1:])).get("--kv", dict(zip(call, call[1:])).get("-ctk"))
            for call in runs] == ["f16", "f16", "q8_0", "q8_0", "q8_0", "q8_0", "f16", "f16"]


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
    bench.plan["roofs"] = {"read": 200, "int8": 2000}  # tokens per second that they allow
    bench.plan["speeds"] = {"handmill tg64 0 1": [170], "llama-bench tg64 0 1": [90],
                            "handmill pp512 0 1": [1200], "llama-bench pp512 0 1": [400]}
    done = bench.run("--rounds", 1, "--svg", bench.folder / "out.svg")
    assert "| 1,200 | 3.00 | 2,000 int8 | 20 % | 60 % |" in done.stdout
    assert "| 170 | 1.89 | 200 read | 45 % | 85 % |" in done.stdout
    assert "the machine read 20.0 GB/s and did 400 GOP/s of int8 products" in done.stdout
    plot = (bench.folder / "out.svg").read_text()
    assert "85 % of the read roof" in plot and "20 % of the int8 roof" in plot
    assert len(ElementTree.fromstring(plot).findall(f"{SVG}line")) == 2


def test_a_batch_is_held_against_the_nearer_roof(bench):
    bench.plan["roofs"] = {"read": 8000, "int8": 1000}
    bench.plan["speeds"] = {"handmill tg64 0 8": [500], "llama-batched-bench tg64 8": [250],
                            "handmill tg64 0 1": [400], "llama-bench tg64 0 1": [80]}
    rows = bench.rows("-p", 0, "--rounds", 1, "--batch", "1,8")
    alone, together = rows["decode 64"], rows["decode 64, batch 8"]
    assert (alone["bound"], alone["handmill_of_roof"]["median"]) == ("read", 0.05)
    assert (together["bound"], together["handmill_of_roof"]["median"]) == ("int8", 0.5)
    assert together["peer_of_roof"]["median"] == 0.25


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
def test_a_program_that_fails_is_named_and_loses_no_other_test(bench, program, told, message):
    bench.plan["instead"] = {program: told}
    files = {kind: bench.folder / f"out.{kind}" for kind in ("json", "md", "svg")}
    done = bench.run("--rounds", 2, "--batch", "1,2",
                     *(word for kind, path in files.items() for word in (f"--{kind}", path)))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert message in done.stderr
    assert f"the command: {bench.folder}/{program}" in done.stderr
    assert told != "fail" or "the model is broken" in done.stderr
    if program == "handmill run":  # the only file cannot even be warmed up
        assert done.stdout == "" and not any(path.exists() for path in files.values())
        return
    rows = {row["test"]: row for row in json.loads(files["json"].read_text())["rows"]}
    lost = {"llama-bench": ("prefill 512", "decode 64"),
            "llama-batched-bench": ("prefill 512, batch 2", "decode 64, batch 2"),
            "handmill bench": rows}[program]
    name, key = ("handmill",) * 2 if program == "handmill bench" else ("llama.cpp", "peer")
    for title, row in rows.items():
        assert (row[key] is None) == (title in lost) == (row["failures"] != {})
        assert row["peer" if key == "handmill" else "handmill"]["median"] == 100
        assert list(row["failures"]) == ([name] if title in lost else [])
    assert done.stdout.count("– (note ") == len(lost) and "\n1. " in done.stdout
    assert message in done.stdout and str(bench.folder) not in done.stdout
    assert files["md"].read_text() == done.stdout
    ElementTree.fromstring(files["svg"].read_bytes())
    # What fails once is not tried again.
    groups = [call for call in bench.calls() if f"{call[0]} {call[1]}".startswith(program)]
    assert len(groups) == {"llama-bench": 1, "llama-batched-bench": 2, "handmill bench": 3}[program]


def test_a_failure_after_some_rounds_keeps_them(bench):
    bench.plan["speeds"] = {"llama-bench tg64 0 1": [50, 0, 25], "handmill tg64 0 1": [50, 80, 20]}
    row = bench.run("-p", 0, "--rounds", 3, "--json", bench.folder / "out.json")
    assert row.returncode == 1
    row, = json.loads((bench.folder / "out.json").read_text())["rows"]
    assert row["peer"]["rounds"] == [50] and row["handmill"]["rounds"] == [50, 80, 20]
    assert row["ratio"]["rounds"] == [1] and "0 is no speed" in row["failures"]["llama.cpp"]


def test_nothing_measured_is_a_failure_without_files(bench):
    bench.plan["instead"] = {"handmill bench": "fail", "llama-bench": "fail"}
    done = bench.run("--rounds", 3, "--md", bench.folder / "out.md")
    assert done.returncode == 1 and done.stdout == "" and "failed with status 3" in done.stderr
    assert not (bench.folder / "out.md").exists() and "Traceback" not in done.stderr


def test_a_file_that_does_not_load_loses_no_other(bench):
    second = bench.folder / "second.gguf"
    second.touch()
    bench.plan["instead"] = {f"handmill run {second}": "fail"}
    done = bench.run("-p", 0, "--rounds", 1, "--start", "--json", bench.folder / "out.json",
                     files=[second, bench.model])
    assert done.returncode == 1 and "Traceback" not in done.stderr
    rows = json.loads((bench.folder / "out.json").read_text())["rows"]
    assert [row["handmill"] is None for row in rows] == 3 * [True] + 3 * [False]
    assert not any(str(second) in call for call in bench.calls() if "run" not in call)


def test_a_program_that_takes_too_long_is_ended(bench):
    bench.plan["instead"] = {"llama-bench": "hang"}
    began = time.monotonic()
    done = bench.run("-p", 0, "--rounds", 1, "--limit", 1)
    assert done.returncode == 1 and time.monotonic() - began < 50
    assert "it took longer than 1 s" in done.stdout and "| – (note 1) | 100 |" in done.stdout
    with pytest.raises(ProcessLookupError):
        os.kill(int((bench.folder / "pid").read_text()), 0)


def test_files_are_written_after_every_round(bench):
    out = bench.folder / "out.json"
    bench.plan["speeds"] = {"handmill tg64 0 1": [10, 20, "hang"]}
    process = subprocess.Popen(bench.command("-p", 0, "--rounds", 9, "--json", out),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (bench.folder / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "files have what was measured in 2 rounds" in errors
    row, = json.loads(out.read_text())["rows"]
    assert row["handmill"]["rounds"] == [10, 20]


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
    assert "'f8' is not one of f16, q8_0" in told("--kv", "f16,f8")
    assert "'tg64/8' is no test" not in told("--also", "tg64/8")
    assert "8 is not one of f16, q8_0" in told("--also", "tg64/8")
    assert "'64' is no test like pp512" in told("--also", "pp512,64")
    assert "'tg0': 1 to" in told("--also", "tg0")
    assert "'tg9x2000': 1 to" in told("--also", "tg9x2000")
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
