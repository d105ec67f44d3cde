"""Runs are held against what was predicted of them, and answers tell their share of the roofs.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import json
import sqlite3

import pytest

import program

pytestmark = program.needed

MODEL = "smollm2-135m-instruct-q4_1"
PROMPT = "The secret word of this long story is never told to anybody. " * 12


@pytest.fixture(name="call", scope="module")
def make_call(tmp_path_factory):
    """The program in a home of its own, in which this machine is measured, however busy it is."""
    home = program.home_in(tmp_path_factory.mktemp("home"))
    call = program.caller(home)
    program.keep_measured(call, home)
    call.home = home
    return call


def answer(call, **environment):
    done = call("run", MODEL, PROMPT, "--max-tokens", "120", "--speculate", "off", "--format",
                "json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_is_kept_where_nobody_wants_it(call):
    answer(call, HANDMILL_LEDGER="off")
    assert not (call.home / "ledger.db").exists()


def test_a_run_is_held_against_its_prediction(call):
    told = answer(call)
    kinds = json.loads(call("explain", "--ledger", "--json").stdout)["kinds"]
    by_phase = {kind["phase"]: kind for kind in kinds}
    decode = by_phase["decode"]
    assert decode["model"] == MODEL and decode["kv"] == "f16"
    assert decode["runs"] + decode["left_out"] == 1
    roof = told["roof"]
    if decode["runs"] == 1:  # a quiet machine
        share = roof["decode"]
        parts = ("of_roof", "kernels", "attention", "layers", "other")
        assert sum(share[part] for part in parts) == pytest.approx(1, abs=0.02)
        assert share["limit"] == "memory" and 0 < share["of_roof"] <= 1.5
        # What explain tells rests on the run from now on.
        explained = json.loads(call("explain", MODEL, "--json", "-d", "0").stdout)
        corrected = explained["depths"][0]["decode"]["corrected"]
        assert corrected["runs"] == 1 and corrected["factor"] > 0
    else:
        assert roof["why_none"]
    words = call("explain", "--ledger").stdout.decode()
    assert MODEL in words and "ledger.db" in words


def test_no_text_is_kept(call):
    answer(call)
    data = (call.home / "ledger.db").read_bytes()
    for log in call.home.glob("ledger.db-wal"):
        data += log.read_bytes()
    assert b"secret word" not in data


def test_a_damaged_ledger_costs_no_answer(call):
    path = call.home / "ledger.db"
    for rest in call.home.glob("ledger.db-*"):
        rest.unlink()
    path.write_bytes(b"this is no database, but long enough to be looked at as one " * 20)
    assert answer(call)["generated_tokens"] > 0
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("select 1 from sqlite_master").fetchall()
