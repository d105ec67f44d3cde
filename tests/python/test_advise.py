"""handmill advise, and explain with names of the catalogue: what they tell of machines that are
elsewhere and of this one, with every number's source.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import json
import re
import time
from pathlib import Path

import pytest

import program

pytestmark = program.needed

CATALOGUE = Path(__file__).resolve().parents[2] / "data/catalogue.json"
CARD = ("--on", "4060Ti", "--memory", "8G")


@pytest.fixture(name="home")
def make_home(tmp_path):
    return program.home_in(tmp_path)


@pytest.fixture(name="call")
def make_call(home):
    return program.caller(home)


@pytest.fixture(name="told")
def make_told(call):
    def told(*words):
        done = call(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return told


def role_of(advice, name):
    (role,) = (role for role in advice["roles"] if role["role"] == name)
    return role


def test_every_role_and_every_number_with_its_source(told):
    advice = told("advise", *CARD)
    assert [role["role"] for role in advice["roles"]] == [
        "quick", "chat-zh", "chat-en", "think", "code"]
    assert advice["machine"]["memory_bytes"] == {"value": 8e9, "source": "given"}
    assert advice["usable_bytes"] == 7e9
    assert advice["catalogue"] == {"date": json.loads(CATALOGUE.read_text())["date"],
                                   "from": "built in"}
    models = len(json.loads(CATALOGUE.read_text())["models"])
    for role in advice["roles"]:
        assert len(role["choices"]) + len(role["refused"]) == models
        assert all(refused["why"] for refused in role["refused"])
        for choice in role["choices"]:
            parts = choice["file_bytes"] + choice["kv_bytes"] + choice["buffer_bytes"]
            assert choice["memory_bytes"] == parts <= advice["usable_bytes"]
            assert choice["tg"] == pytest.approx(1 / choice["decode"]["seconds"])
            assert choice["decode"]["basis"] == "assumed"
            for score in choice["evidence"]:
                assert score["source"] in advice["sources"] and "checked" in score
            if choice["score"] is not None:
                assert choice["quality"] == pytest.approx(choice["score"] * choice["kept"])
        qualities = [choice["quality"] for choice in role["choices"]]
        assert qualities == sorted(qualities, reverse=True)


def test_as_text(call):
    done = call("advise", "--role", "think", *CARD)
    text = done.stdout.decode()
    assert done.returncode == 0 and not done.stderr
    for words in ("8.00 GB (given)", "catalogue of 20", "(built in)", "pick ", "licence ",
                  "memory ", "TG ", "TTFT ", "an answer ", "minutes with", "why ", "from memory]",
                  "runner-up ", "better, but", "needs ", "on the Hugging Face hub",
                  "handmill run ", "handmill explain ", "--on 4060Ti", "\nSources\n  [",
                  "computes on processors"):
        assert words in text, words
    cited = set(re.findall(r"\[([a-z0-9.-]+)(?:, from\s+memory)?\]", text.split("\nSources\n")[0]))
    assert cited == set(re.findall(r"^  \[([^\]]+)\]", text.split("\nSources\n")[1], re.M))
    assert max(map(len, text.splitlines())) <= 110


def test_the_commands_that_it_gives_work(call):
    text = call("advise", "-r", "chat-zh", *CARD).stdout.decode()
    see = re.search(r"see +handmill (explain .*)", text)[1]
    done = call(*see.split())
    assert done.returncode == 0, done.stderr
    assert b"shape from the catalogue of 20" in done.stdout and b"no such file" in done.stdout
    run = re.search(r"run +handmill (run .*)", text)[1].split()
    missing = call(*run, "Hi")
    assert missing.returncode == 1 and b"no model is named" in missing.stderr  # not a wrong flag


def test_a_licence_and_more_memory(told):
    free = role_of(told("advise", "-r", "code", "--on", "50GB/s,2TFLOPS", "--memory", "8G"), "code")
    paid = role_of(told("advise", "-r", "code", "--on", "50GB/s,2TFLOPS", "--memory", "8G",
                        "--licence", "commercial"), "code")
    assert free["choices"][0]["model"] == "qwen2.5-coder:3b-instruct"
    assert not free["choices"][0]["commercial"]
    assert all(choice["commercial"] for choice in paid["choices"])
    assert any("forbids commercial use" in refused["why"] for refused in paid["refused"])
    picks = [role_of(told("advise", "-r", "code", "--on", "A10", "--memory", size), "code")
             ["choices"][0]["quality"] for size in ("4G", "8G", "16GB", "24000M")]
    assert picks == sorted(picks) and picks[0] < picks[-1]


def test_where_nothing_fits_it_names_the_online_route(call):
    done = call("advise", "-r", "quick", "--on", "10GB/s,0.1TFLOPS", "--memory", "2G")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "none: nothing in the catalogue" in text and "DeepSeek" in text and "[article]" in text
    assert "nearest" in text and "handmill run" not in text


def test_this_machine_once_it_was_probed(call, told, home):
    before = call("advise")
    assert before.returncode == 1 and b"handmill probe" in before.stderr
    machine, _ = program.keep_measured(call, home)
    advice = told("advise", "--role", "think", "--memory", "3G")
    assert advice["machine"]["read_bytes_s"] == machine["read_bytes_s"]
    assert advice["machine"]["memory_bytes"] == {"value": 3e9, "source": "given"}
    assert advice["note"] is None
    for choice in role_of(advice, "think")["choices"]:
        assert choice["memory_bytes"] <= 2e9


def test_it_is_quick(call):
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        assert call("advise", *CARD).returncode == 0
        seconds.append(time.monotonic() - start)
    print(f"advise: {min(seconds):.3f} s")  # told, not held: this machine has other work too


def test_a_newer_catalogue_replaces_the_built_in(told, call, home):
    catalogue = json.loads(CATALOGUE.read_text())
    catalogue["models"] = [model for model in catalogue["models"] if model["name"] == "qwen3:4b"]
    path = home / "catalogue.json"
    for date, models in ("2020-01-01", 2), ("2099-01-01", 1):
        catalogue["date"] = date
        path.write_text(json.dumps(catalogue))
        role = told("advise", "-r", "quick", *CARD)
        assert (role["catalogue"]["from"] == str(path)) == (models == 1)
        told_of = role_of(role, "quick")
        assert (len(told_of["choices"]) + len(told_of["refused"]) == 1) == (models == 1)
    catalogue["models"][0]["shape"]["layers"] = 0
    path.write_text(json.dumps(catalogue))
    broken = call("advise", *CARD)
    assert broken.returncode == 1
    for words in str(path), '"models"[0]."shape"."layers" must be a whole number from 1':
        assert words in broken.stderr.decode()


def test_explain_takes_names_of_the_catalogue(told, call):
    told_of = told("explain", "qwen2.5:7b-instruct-q4_K_M", "--on", "4060Ti", "-d", 0)
    assert told_of["model"] == "qwen2.5:7b-instruct-q4_k_m"
    assert told_of["shape_from"].startswith("the catalogue of 20")
    assert told_of["parameters"] == 7_615_616_512
    assert told_of["file_bytes"] == pytest.approx(4.683e9, rel=0.005)  # as published


def test_its_shape_is_that_of_the_file_that_is_here(told):
    """The published file has the head beside the embedding, which is tied in the catalogue; the
    rest is the quantizer's own mix."""
    here = told("explain", "qwen2.5-coder-0.5b-q4_k_m", "--on", "A10", "-d", 0)
    counted = told("explain", "qwen2.5-coder:0.5b-instruct-q4_k_m", "--on", "A10", "-d", 0)
    assert here["shape_from"] == "the file"
    order = lambda told_of: sorted(map(json.dumps, told_of["parts"]))  # noqa: E731
    assert order(here) == order(counted)
    assert here["context_kv_bytes"] == counted["context_kv_bytes"]


@pytest.mark.parametrize(("words", "code", "message"), [
    (("advise", "--on", "4060Ti"), 1, "--memory 8G"),
    (("advise", "--on", "abacus"), 1, "780M-DDR5-8400"),
    (("advise", "--memory", "8"), 2, '"8" is not an amount of memory'),
    (("advise", "--memory", "-1G"), 2, "is not an amount of memory"),
    (("advise", "--role", "chat"), 2, "chat-zh"),
    (("advise", "--licence", "mit"), 2, "commercial"),
    (("explain", "qwen2.5:7b-q9_k", "--on", "A10"), 1, '"q9_k" is no quantization'),
    (("explain", "qwen9:7b", "--on", "A10"), 1, "not in the catalogue of 20"),
    (("explain", "qwen9", "--on", "A10"), 1, "no model is named"),
    (("explain", "qwen3:30b-a3b", "--on", "A10"), 1, "mixture of experts"),
])
def test_mistakes(call, words, code, message):
    done = call(*words)
    assert done.returncode == code and message in done.stderr.decode(), done.stderr
