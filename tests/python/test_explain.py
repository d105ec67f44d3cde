"""handmill explain: what a model asks of a machine, and the times that follow, held against the
formulas and against what `show` and the file say.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import json
import os
import subprocess
from xml.etree import ElementTree

import pytest

import program

pytestmark = program.needed

SMALL, CODER = "smollm2-135m-instruct-q4_1", "qwen2.5-coder-0.5b-q4_k_m"
SPEC = "100GB/s,2TFLOPS,8GB"


@pytest.fixture(name="home")
def make_home(tmp_path):
    return program.home_in(tmp_path)


@pytest.fixture(name="call")
def make_call(home):
    return program.caller(home)


@pytest.fixture(name="explain")
def make_explain(call):
    def explain(*words):
        done = call("explain", *words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return explain


# The coder's file has the head beside the embedding, of which a token reads one row.
@pytest.mark.parametrize(("model", "layers", "heads", "kv_heads", "dim", "parameters", "rows"), [
    (SMALL, 30, 9, 3, 64, 134_515_008, 0), (CODER, 24, 14, 2, 64, 630_167_424, 151_936 * 896)])
def test_what_a_token_asks(explain, model, layers, heads, kv_heads, dim, parameters, rows):
    told = explain(model, "--on", SPEC, "-d", "0,1000")
    assert told["parameters"] == parameters
    weights = sum(part["bytes"] for part in told["parts"])
    products = sum(part["ops_per_token"] for part in told["parts"])
    assert 0.75 < weights / told["file_bytes"] < 1
    assert products == pytest.approx(2 * (parameters - rows), rel=0.001)  # all but norms and biases
    for at in told["depths"]:
        decode, seen = at["decode"], at["depth"] + 1
        assert decode["kv_bytes"] == seen * layers * kv_heads * dim * 2 * 2  # not for all the heads
        assert decode["attention_ops"] == 4 * seen * layers * heads * dim
        assert decode["bytes"] == weights + decode["kv_bytes"] + told["embedding_row_bytes"]
        assert decode["ops"] == products + decode["attention_ops"]


def test_times_are_sums_over_parts(explain):
    told = explain(CODER, "--on", SPEC, "-d", 5000, "-p", 512)
    assert {part["codings"] for part in told["parts"]} == {1, 2}
    read, ops = 0.75 * 100e9, 0.5 * 2e12
    (at,) = told["depths"]
    for name, rows in ("decode", 1), ("prefill", 512):
        time, seconds = at[name], 0
        for part in told["parts"]:
            once = part["part"] == "head"
            # Inputs that are coded twice count twice.
            work = part["ops_per_token"] * part["codings"]
            seconds += max(part["bytes"] / read, work * (1 if once else rows) / ops)
        # Attention computes whole blocks of 64 keys.
        keys = range(5001, 5001 + rows)
        blocks = sum(-(-n // 64) * 64 for n in keys) / sum(keys)
        seconds += max(time["kv_bytes"] / read, time["attention_ops"] * blocks / ops)
        assert time["seconds"] == pytest.approx(seconds, rel=1e-9)
        assert time["tok_s"] == pytest.approx(rows / seconds)
        assert time["seconds_low"] == pytest.approx(0.7 * seconds)
        assert time["layers_s"] == 0 and "assumed" in time["basis"]
    assert (at["decode"]["bound"], at["prefill"]["bound"]) == ("memory", "arithmetic")


def test_what_would_change_it(explain, call):
    told = explain(CODER, "--on", SPEC, "-d", "0,8192")
    at, changed = told["depths"][1], told["what_would_change_it"]
    assert changed["depth"] == 8192 and changed["split"] is None
    memory, arithmetic, cache = changed["changes"]
    assert "bandwidth" in memory["what"] and "q8_0" in cache["what"]
    assert memory["decode_tok_s"] == pytest.approx(2 * at["decode"]["tok_s"], rel=0.02)
    assert arithmetic["decode_tok_s"] == pytest.approx(at["decode"]["tok_s"], rel=0.02)
    assert arithmetic["ttft_s"] == pytest.approx(at["prefill"]["seconds"] / 2, rel=0.1)
    narrow = explain(CODER, "--on", SPEC, "-d", 8192, "--kv", "q8_0")["depths"][0]
    assert cache["decode_tok_s"] == pytest.approx(narrow["decode"]["tok_s"])
    words = call("explain", CODER, "--on", SPEC, "-d", "8192").stdout.decode()
    assert "What would change it, behind 8192 tokens" in words and "TTFT unchanged" in words


def test_layers_that_do_not_fit_are_on_this_machine(call, explain):
    assert call("probe", "--json").returncode in (0, 1)
    small = "100GB/s,2TFLOPS,0.3GB"
    told = explain(CODER, "--on", small, "-d", 0, "--context", 4096)
    split = told["what_would_change_it"]["split"]
    if call("explain", CODER).returncode != 0:
        assert split is None  # probe was refused: nothing is known of this machine
        return
    assert 0 < split["layers"] < split["of"] == 24
    words = call("explain", CODER, "--on", small, "-d", 0, "--context", 4096).stdout.decode()
    assert f"It does not fit. {split['layers']} of 24 layers there" in words


def test_the_plot_shows_every_depth(call, tmp_path):
    path = tmp_path / "roofline.svg"
    done = call("explain", SMALL, "--on", SPEC, "-d", "0,4096", "--plot", str(path))
    assert done.returncode == 0, done.stderr
    texts = [tag.text for tag in ElementTree.parse(path).iter() if tag.tag.endswith("text")]
    for name in ("decode at 0", "decode at 4096", "prefill 512 at 0", "ridge 20.0"):
        assert name in texts


def test_a_depth_beyond_the_context_is_refused(call):
    done = call("explain", SMALL, "--on", SPEC, "-d", "8192")
    assert done.returncode == 1
    assert b"8192 is beyond the model's context of 8192 tokens" in done.stderr


@pytest.mark.parametrize("model", [SMALL, CODER])
def test_memory_is_what_a_run_takes(explain, home, model):
    told = explain(model, "--on", SPEC, "--context", 1024)
    assert told["memory_bytes"] > told["context_kv_bytes"] + told["buffer_bytes"]
    words = ["run", model, "hi", "--context", "1024", "--max-tokens", "2", "--quiet"]
    child = subprocess.Popen([os.environ["HANDMILL_BIN"], *words], stdout=subprocess.DEVNULL,
                             env=os.environ | {"HANDMILL_HOME": str(home)})
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    peak = usage.ru_maxrss * 1024
    assert abs(peak - told["memory_bytes"]) < max(0.03 * peak, 50e6)


def test_a_long_prompt_reads_the_weights_in_every_step(explain):
    one, three = (explain(SMALL, "--on", SPEC, "-d", 0, "-p", tokens)["depths"][0]["prefill"]
                  for tokens in (512, 3 * 512))
    assert 3 * (one["bytes"] - one["kv_bytes"]) > three["bytes"] - three["kv_bytes"]  # but the head
    assert three["bytes"] > 2 * one["bytes"]


def test_a_smaller_cache_is_read_faster(explain):
    wide, narrow = (explain(CODER, "--on", SPEC, "-d", 8192, "--kv", kv) for kv in ("f16", "q8_0"))
    assert narrow["context_kv_bytes"] < 0.6 * wide["context_kv_bytes"]
    assert narrow["depths"][0]["decode"]["seconds"] < wide["depths"][0]["decode"]["seconds"]


@pytest.mark.parametrize(("name", "ridge"), [
    ("4060Ti", 76.6), ("a10", 208), ("780M-30", 553), ("780m-ddr5-5600", 185), (SPEC, 20)])
def test_ridges_of_other_machines(explain, name, ridge):
    told = explain(SMALL, "--on", name)
    assert told["ridge"] == pytest.approx(ridge, rel=0.002)
    assert ("as written" in told["note"]) == (name == SPEC)
    assert told["machine"]["read_bytes_s"]["source"] == "given"


def test_this_machine_once_it_was_probed(call, explain, home):
    before = call("explain", SMALL)
    assert before.returncode == 1 and b"handmill probe" in before.stderr
    machine, path = program.keep_measured(call, home)
    told = explain(SMALL, "-d", 0)
    decode = told["depths"][0]["decode"]
    assert told["machine"] == machine and "measured" in decode["basis"]
    assert decode["layers_s"] == pytest.approx(30 * machine["layer_s"]["value"])
    assert decode["seconds_high"] == pytest.approx(1.1 * decode["seconds"])
    for time, rate in ("read_s", "disk_bytes_s"), ("pack_s", "pack_bytes_s"):
        if machine[rate] is None:  # a file in memory has no disk
            assert told["load"][time] is None
            continue
        assert told["load"][time]["value"] == pytest.approx(
            told["file_bytes"] / machine[rate]["value"])
    assert b"packing" in call("explain", SMALL).stdout
    del machine["disk_bytes_s"], machine["pack_bytes_s"]  # as files had it that were kept before
    path.write_text(json.dumps(machine))
    assert explain(SMALL)["load"] == {"read_s": None, "pack_s": None, "cold_s": None}
    assert b"packing" not in call("explain", SMALL).stdout


def test_a_device_of_this_machine(call, explain, home):
    machine, path = program.keep_measured(call, home)
    for rates in machine.get("devices", []):
        told = explain(SMALL, "-d", 0, "--on", rates["name"])
        assert told["machine"]["read_bytes_s"] == rates["read_bytes_s"]
        assert told["machine"]["ops_s"] == rates["int8_ops_s"]
        assert told["machine"]["engine"] == f"vulkan, {rates['driver']}"
        assert told["machine"]["memory_bytes"]["source"] == "reported"
        assert "matrix units" in told["note"]
        assert "matrix units" in call("explain", SMALL, "--on", rates["name"]).stdout.decode()
        advice = call("advise", "--on", rates["name"], "-r", "quick", "--json")
        assert json.loads(advice.stdout)["machine"] == told["machine"]
    assert "devices" in machine or "HANDMILL_REQUIRE_VULKAN" not in os.environ
    if "devices" in machine:
        name = machine["devices"][0]["name"]
        del machine["devices"]  # as where it was probed with another driver
        path.write_text(json.dumps(machine))
        done = call("explain", SMALL, "--on", name)
        assert done.returncode == 1 and b"has not been measured with this driver" in done.stderr


def test_as_text(call):
    done = call("explain", CODER, "--on", "780M-DDR5-5600", "--context", 4096)
    text = done.stdout.decode()
    assert done.returncode == 0 and not done.stderr
    for words in ("ridge 185 operations a byte", "no program reaches", "feed-forward", "cache at 0",
                  "cache of 4096 tokens", "decode (TG)", "assumed shares"):
        assert words in text, words
    assert text.count("norms and biases") == 1


@pytest.mark.parametrize(("words", "code", "message"), [
    (["--on", "abacus"], 1, "780M-DDR5-8400"), (["--on", "abacus"], 1, "no Vulkan device is"),
    (["--on", "5GB/s"], 1, "FLOPS"),
    (["-p", 0], 2, "--prompt: 0"), (["-d", "x"], 2, "--depth"), (["--context", 0], 2, "--context"),
])
def test_mistakes(call, words, code, message):
    done = call("explain", SMALL, *words)
    assert done.returncode == code and message in done.stderr.decode(), done.stderr
