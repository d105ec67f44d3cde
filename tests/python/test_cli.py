"""Every command of handmill on the real default model, as a person or a script would call it.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import json
import os
import signal
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import program
import random_model

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SMOL = "smollm2-135m-instruct-q4_1"
QWEN = "qwen2.5-coder-0.5b-q4_k_m"
GOLDEN_FILES = {SMOL: "tokenize-smollm2.json", QWEN: "tokenize-qwen2.5-coder-0.5b.json"}
FIELDS = {"model", "text", "finish", "stop", "seed", "prompt_tokens", "cached_tokens",
          "generated_tokens", "proposed_tokens", "accepted_tokens", "context", "backend", "threads",
          "timings", "roof"}
TIMINGS = {"load_s", "queue_s", "ttft_s", "prefill_s", "decode_s", "pp_tok_s", "tpot_s",
           "tg_tok_s"}

pytestmark = program.needed


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return program.home_in(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def call(home):
    return program.caller(home)


def ask(call, *words, stdin=b""):
    done = call("run", "--format", "json", "--greedy", *words, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_answer_on_standard_output_and_its_speed_on_standard_error(call):
    done = call("run", "What is the capital of France?")
    assert done.returncode == 0, done.stderr
    assert b"Paris" in done.stdout
    assert call("run", "What is the capital of France?", "--seed", 1).stdout == done.stdout
    assert call("run", "What is the capital of France?", "--seed", 2).stdout != done.stdout
    for figure in (b"TTFT", b"PP", b"TPOT", b"TG"):
        assert figure in done.stderr and figure not in done.stdout
    assert b"\x1b" not in done.stdout + done.stderr  # neither is a terminal
    assert done.stdout.endswith(b"\n")


def test_quiet_and_verbose(call):
    words = ["run", "Say hi.", "--greedy", "--max-tokens", 4]
    assert call(*words, "--quiet").stderr == b""
    lines = call(*words, "--verbose").stderr.decode()
    for name in ("load", "TTFT", "PP", "TPOT", "TG", "4 tokens"):
        assert name in lines


def test_json_has_every_field_and_figures_that_agree(call):
    answer = ask(call, "Where is the Eiffel Tower?", "--max-tokens", 16, "--seed", 7)
    assert set(answer) == FIELDS and set(answer["timings"]) == TIMINGS
    assert "Paris" in answer["text"]
    assert answer["model"] == SMOL and answer["seed"] == 7
    assert answer["finish"] in ("stop", "length") and answer["cached_tokens"] == 0
    assert 1 < answer["generated_tokens"] <= 16
    t = answer["timings"]
    assert t["tg_tok_s"] == pytest.approx((answer["generated_tokens"] - 1) / t["decode_s"])
    assert t["pp_tok_s"] == pytest.approx(answer["prompt_tokens"] / t["prefill_s"])


def test_speculation_changes_the_figures_and_never_the_answer(call):
    words = ["Repeat word for word: the quick brown fox jumps over the lazy dog and runs home.",
             "--max-tokens", 40]
    plain = ask(call, *words, "--speculate", "off")
    assert plain["proposed_tokens"] == plain["accepted_tokens"] == 0
    for how in ("auto", "lookup"):
        guessed = ask(call, *words, "--speculate", how)
        assert guessed["text"] == plain["text"]
        assert guessed["accepted_tokens"] <= guessed["proposed_tokens"]
    assert guessed["accepted_tokens"] > 0
    verbose = call("run", *words, "--speculate", "lookup", "--verbose").stderr.decode()
    assert "tokens that speculation foresaw" in verbose


def test_a_draft_model_guesses_and_never_decides(call):
    words = ["run", SMOL, "--format", "json", "--greedy", "--max-tokens", 24, "Name ten animals."]
    plain = json.loads(call(*words, "--speculate", "off").stdout)
    done = call(*words, "--speculate", "lookup", "--draft", SMOL)
    assert done.returncode == 0, done.stderr
    guessed = json.loads(done.stdout)
    assert guessed["text"] == plain["text"] and guessed["accepted_tokens"] > 12
    other = call(*words, "--draft", QWEN)
    assert other.returncode == 1 and b"same vocabulary" in other.stderr
    assert call(*words, "--draft", "no-such-model").returncode == 1
    nothing = call(*words, "--draft", SMOL, "--speculate", "off")
    assert nothing.returncode == 2 and b"--draft" in nothing.stderr


def test_the_same_seed_gives_the_same_answer(call):
    def text(*more):
        words = ["run", "Name a colour.", "--format", "json", "--max-tokens", 12, "--temperature",
                 1.2]
        return json.loads(call(*words, *more).stdout)["text"]

    assert text("--seed", 3) == text("--seed", 3)
    assert len({text("--seed", seed) for seed in range(4)}) > 1


def test_piped_input_joins_the_prompt(call):
    alone = ask(call, "Count the words:", "--max-tokens", 1)
    joined = ask(call, "Count the words:", "--max-tokens", 1, stdin=b"one two three four\n")
    piped = ask(call, "--max-tokens", 1, stdin=b"Count the words:\n\none two three four\n")
    assert joined["prompt_tokens"] > alone["prompt_tokens"]
    assert joined["prompt_tokens"] == piped["prompt_tokens"] and joined["text"] == piped["text"]


def test_brackets_of_a_prompt_are_text(call):
    text = "[INST] a, b [/INST]"
    argument = ask(call, "--raw", text, "--max-tokens", 1)
    piped = ask(call, "--raw", "--max-tokens", 1, stdin=text.encode())
    assert argument["prompt_tokens"] == piped["prompt_tokens"]


def test_control_tokens_of_a_user_stay_text(call):
    plain = ask(call, "--raw", "<|im_end|>", "--max-tokens", 1)
    special = ask(call, "--raw", "--special", "<|im_end|>", "--max-tokens", 1)
    assert special["prompt_tokens"] == 1 < plain["prompt_tokens"]
    empty = ask(call, "x", "--max-tokens", 1)["prompt_tokens"]
    assert ask(call, "x<|im_end|>", "--max-tokens", 1)["prompt_tokens"] > empty + 1


def test_stop_strings_length_and_a_full_context(call):
    whole = ask(call, "Where is the Eiffel Tower?", "--max-tokens", 12)
    assert whole["finish"] == "length" or whole["generated_tokens"] < 12
    cut = ask(call, "Where is the Eiffel Tower?", "--max-tokens", 12, "--stop", "Paris")
    assert (cut["finish"], cut["stop"]) == ("stop", "Paris")
    assert cut["text"] == whole["text"].split("Paris")[0]
    full = call("run", "Tell a very long story.", "--greedy", "--context", 64, "--quiet")
    assert full.returncode == 0 and b"the context is full" in full.stderr
    long = call("run", "word " * 200, "--context", 64)
    assert long.returncode == 1 and long.stderr.startswith(b"handmill: ") and b"64" in long.stderr


def test_a_chat_over_a_pipe_remembers(call, home):
    saved = home / "talk.json"
    script = ["/set temperature 0", "/set max_tokens 8", '"""', "My name", "is Ada.", '"""',
              "/set temprature 1", f"/save {saved}", "/clear", "/show", f"/load {saved}", "/bye",
              "never asked"]
    done = call("run", "--chat", "--quiet", stdin="\n".join(script).encode())
    assert done.returncode == 0, done.stderr
    assert b"did you mean temperature?" in done.stderr
    assert b"turns     0" in done.stdout and b"Loaded 2 messages" in done.stdout
    chat = json.loads(saved.read_text())
    assert [m["role"] for m in chat["messages"]] == ["user", "assistant"]
    assert chat["messages"][0]["content"] == "My name\nis Ada."
    assert chat["parameters"] == {"temperature": "0", "max_tokens": "8"}


def test_a_chat_over_a_pipe_takes_what_a_pipe_may_hold(call, home):
    saved = home / "bytes.json"
    script = [b"/set max_tokens 1", b'"""', b"one", b"two", b'"""', b'"""/clear"""', b"caf\xe9",
              f"/save {saved}".encode(), b"/set verbose 1"]
    done = call("run", "--chat", "--quiet", stdin=b"\r\n".join(script))
    assert done.returncode == 0 and b"/set verbose takes on or off" in done.stderr
    asked = [m["content"] for m in json.loads(saved.read_text())["messages"] if m["role"] == "user"]
    assert asked == ["one\ntwo", "/clear", "caf\ufffd"]


@pytest.mark.parametrize("model", GOLDEN_FILES)
def test_tokenize_agrees_with_the_recorded_ids(call, model):
    cases = json.loads((GOLDEN / GOLDEN_FILES[model]).read_text())
    chosen = cases[:: max(1, len(cases) // 12)] + [c for c in cases if "<|im_" in c["text"]][:2]
    for case in chosen:
        for field, flags in ("ids_plain", []), ("ids_parse_special", ["--special"]):
            done = call("tokenize", model, "--json", *flags, stdin=case["text"].encode())
            assert json.loads(done.stdout) == case[field], case["text"][:80]


def test_tokenize_bos_and_table(call):
    plain = json.loads(call("tokenize", "--json", stdin=b"Hi\n").stdout)
    assert json.loads(call("tokenize", "--json", "--bos", stdin=b"Hi\n").stdout) == [1, *plain]
    table = call("tokenize", stdin=b"Hi\n").stdout.decode().splitlines()
    assert [int(line.split()[0]) for line in table] == plain


def test_show(call):
    text = call("show").stdout.decode()
    for part in ("llama", "q4_1", "Context memory", "tokenizer.ggml.tokens", "49152 in all"):
        assert part in text
    facts = json.loads(call("show", QWEN, "--json").stdout)
    assert facts["architecture"] == "qwen2" and facts["parameters"] > 4e8
    path = Path(os.environ["HANDMILL_MODELS"]) / f"{QWEN}.gguf"
    assert facts["bytes"] == path.stat().st_size
    assert sum(t["tensors"] for t in facts["tensor_types"]) == facts["tensors"]
    largest = facts["context_memory"][-1]
    assert largest["positions"] == facts["config"]["context"]
    c = facts["config"]
    f16 = 2 * 2 * c["layers"] * c["kv_heads"] * c["head_dim"] * c["context"]
    assert largest["f16"] == pytest.approx(f16, rel=0.05)
    assert 0.5 < largest["q8_0"] / largest["f16"] < 0.7
    assert facts["metadata"]["tokenizer.ggml.tokens"]["count"] == c["vocab"]
    assert b"<|im_start|>" in call("show", "--template").stdout


def test_logits(call, tmp_path):
    ids, out = tmp_path / "ids", tmp_path / "out.npy"
    ids.write_text("504, 3575\n282 4649 314")
    done = call("logits", "--tokens-file", ids, "--out", out)
    assert done.returncode == 0, done.stderr
    logits = np.load(out)
    assert logits.shape == (5, 49152) and logits.dtype == np.float32 and np.isfinite(logits).all()
    assert logits[0].argmax() != logits[4].argmax()
    ids.write_text("1 49152")
    bad = call("logits", "--tokens-file", ids, "--out", tmp_path / "no.npy")
    assert bad.returncode == 1 and b"token 49152 is not in the vocabulary" in bad.stderr
    assert not (tmp_path / "no.npy").exists()


def started(home, *words, **streams):
    env = os.environ | {"HANDMILL_HOME": str(home)}
    return subprocess.Popen([os.environ["HANDMILL_BIN"], *map(str, words)], env=env,
                            stdin=subprocess.DEVNULL, **streams)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_logits_that_are_ended_leave_nothing(home, tmp_path, ending):
    ids, out = tmp_path / "ids", tmp_path / "out" / "x.npy"
    ids.write_text("504 " * 8000)
    out.parent.mkdir()
    with started(home, "logits", "--tokens-file", ids, "--out", out) as child:
        while not list(out.parent.iterdir()):
            assert child.poll() is None
            time.sleep(0.002)
        child.send_signal(ending)
        assert child.wait(timeout=60) == -ending
    assert not list(out.parent.iterdir())


def test_an_interrupted_answer_ends_with_130(home):
    # Without end tokens it would go on until the context is full.
    words = ["run", "Count.", "--greedy", "--logit-bias", "0=-inf", "--logit-bias", "2=-inf"]
    with started(home, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        first = os.read(child.stdout.fileno(), 1)
        child.send_signal(signal.SIGINT)
        text, notes = child.communicate(timeout=60)
        assert first and text.endswith(b"\n") and b"[stopped]" in notes and b"TTFT" in notes
        assert child.returncode == 130


@pytest.fixture(name="odd_model")
def make_odd_model(tmp_path, monkeypatch):
    """A small random model with a name that is no text, a template that refuses with an escape
    sequence, and nothing but control tokens."""
    monkeypatch.setattr(random_model, "CHATML", "{{ raise_exception('\x1b[2J gone') }}")
    path = tmp_path / "odd.gguf"
    random_model.write_random_model(path, "qwen2", ["f32"])
    data = bytearray(path.read_bytes().replace(b"random qwen2", b"r\xffndom qwen2"))
    types = data.index(b"tokenizer.ggml.token_type") + len("tokenizer.ggml.token_type") + 4
    kind, count = struct.unpack_from("<IQ", data, types)
    assert (kind, count) == (5, random_model.VOCAB)
    struct.pack_into(f"<{count}i", data, types + 12, *[3] * count)
    path.write_bytes(data)
    return path


def test_an_odd_model_does_no_harm(call, odd_model):
    refused = call("run", odd_model, "Hi")
    assert refused.returncode == 1 and b"gone" in refused.stderr and b"\x1b" not in refused.stderr
    bench = call("bench", odd_model, "-p", 8, "-n", 0)
    assert bench.returncode == 1 and b"every token is a control token" in bench.stderr
    assert json.loads(call("show", odd_model, "--json").stdout)["name"] == "r\ufffdndom qwen2"


@pytest.mark.parametrize("words, code, message", [
    (["run", "--thread", "2", "x"], 2, "unknown option --thread (did you mean --threads?)"),
    (["bnech"], 2, "unknown command bnech (did you mean bench?)"),
    (["--treads"], 2, "unknown option --treads"),
    (["run", "--top-k", "many", "x"], 2, '--top-k: "many" is not a whole number'),
    (["run", "--kv", "q4", "x"], 2, '--kv: "q4" is none of f16, q8_0'),
    (["bench", "-p", "5,x"], 2, '--prefill: "x" is not a whole number'),
    (["run", "--temperature", "-1", "x"], 2, "temperature is -1"),
    (["run", "--top-p", "2", "x"], 2, "top_p is 2"),
    (["run", "--threads", "-1", "x"], 2, "--threads is -1"),
    (["show", "--threads", "5000"], 2, "--threads is 5000"),
    (["logits", "--context", "-1", "--tokens-file", "x", "--out", "y"], 2, "--context is -1"),
    (["bench", "-t", "1,5000"], 2, "--threads is 5000"),
    (["bench", "-p", "0", "-n", "0"], 2, "nothing to measure"),
    (["run", "--chat", "--raw"], 2, "--chat goes with neither"),
    (["run", "--logit-bias", "49152=1", "x"], 1, "logit_bias names token 49152"),
    (["show", "smollm2-135m"], 1, f"did you mean {SMOL}?"),
    (["show", "/nowhere/x.gguf"], 1, "there is no such file"),
    (["run", "no-model-at-all", "Say hi"], 1, "no model is named"),
    (["run"], 1, "there is no prompt"),
    (["bench", "-r", "0"], 2, "-r: 0 is not between"),
    (["bench", "--tight", "0"], 2, "--tight: 0 is not above 0"),
    (["bench", "--json", "--md"], 2, "choose one"),
    (["bench", "--scenario", "chit"], 2, '"chit" is no scenario'),
    (["bench", "--scenario", "turns", "-c", "200"], 1, "too short for the scenario turns"),
    (["bench", "--slo", "ttft=1"], 2, "--slo: ttft="),
    (["logits"], 2, "--tokens-file FILE is needed"),
])
def test_mistakes_are_told_in_one_line(call, words, code, message):
    done = call(*words)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code and done.stdout == b""
    assert len(lines) == 1 and lines[0].startswith("handmill: ") and message in lines[0], lines


@pytest.mark.parametrize("command", ["run", "prepare", "show", "tokenize", "logits", "bench",
                                     "explain", "probe"])
def test_help_is_complete(call, command):
    page = call(command, "--help")
    text = page.stdout.decode()
    assert page.returncode == 0 and text.startswith(("Answer", "Keep", "Tell", "Turn", "Write",
                                                        "Measure"))
    for part in (f"Usage: handmill {command}", "--threads", "--help", "Example"):
        assert part in text
    assert call("help", command).stdout == page.stdout
    assert command in call("--help").stdout.decode()


def test_version_and_a_full_disk(call):
    assert call("--version").stdout.startswith(b"handmill ")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.environ["HANDMILL_BIN"], "--help"], stdout=full,
                              stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"cannot write to standard output" in done.stderr


def test_a_reader_that_leaves_ends_the_program(home):
    with started(home, "run", "Count to a thousand.", "--greedy", stdout=subprocess.PIPE,
                 stderr=subprocess.DEVNULL) as child:
        assert child.stdout.read(1)
        child.stdout.close()
        assert child.wait(timeout=60) != 0
