"""handmill prepare: the same answers from prepared weights, and none from wrong ones.

Environment: HANDMILL_BIN the handmill binary.
"""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import random_model

pytestmark = pytest.mark.skipif(
    "HANDMILL_BIN" not in os.environ and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BIN is not set")


@pytest.fixture(name="model")
def make_model(tmp_path):
    path = tmp_path / "models" / "m.gguf"
    path.parent.mkdir()
    random_model.write_random_model(path, "qwen2", ["q4_0", "q8_0", "f16"])
    return path


@pytest.fixture(name="call")
def make_call(tmp_path):
    def run(*words, log="warning"):
        env = os.environ | {"HANDMILL_HOME": str(tmp_path / "home"), "HANDMILL_LOG": log}
        return subprocess.run([os.environ["HANDMILL_BIN"], *map(str, words)], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    return run


@pytest.fixture(name="logits")
def make_logits(call, tmp_path):
    """(bytes, what was logged) of a model's logits."""
    def run(model, log="warning"):
        ids, out = tmp_path / "ids", tmp_path / "out.npy"
        ids.write_text("1 2 3 4 5")
        done = call("logits", model, "--tokens-file", ids, "--out", out, log=log)
        assert done.returncode == 0, done.stderr
        return out.read_bytes(), done.stderr.decode()
    return run


def test_prepared_weights_are_found_and_give_the_same(call, logits, model):
    packed, said = logits(model, "info")
    assert said == ""
    done = call("prepare", model)
    panels = model.with_suffix(".panels")
    assert done.returncode == 0, done.stderr
    assert str(panels).encode() in done.stdout and b"verified" in done.stdout and not done.stderr
    assert sorted(model.parent.iterdir()) == [model, panels]
    mapped, said = logits(model, "info")
    assert mapped == packed and f"info: {panels}: mapped" in said
    assert logits(model)[1] == ""


def test_check_tells_damage_and_remove_ends_it(call, logits, model):
    missing = call("prepare", model, "--check")
    assert missing.returncode == 1 and b"is not prepared" in missing.stderr
    packed, _ = logits(model)
    assert call("prepare", model).returncode == 0
    whole = call("prepare", model, "--check")
    assert whole.returncode == 0 and b"whole" in whole.stdout
    panels = model.with_suffix(".panels")
    good = panels.read_bytes()
    panels.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
    damaged = call("prepare", model, "--check")
    assert damaged.returncode == 1 and b"is damaged" in damaged.stderr
    panels.write_bytes(good[:-1])
    cut, said = logits(model)
    assert cut == packed and "not using prepared weights" in said and "cut off" in said
    assert call("prepare", model).returncode == 0 and panels.read_bytes() == good
    removed = call("prepare", model, "--remove")
    assert removed.returncode == 0 and str(panels).encode() in removed.stdout
    assert list(model.parent.iterdir()) == [model]
    assert b"nothing to remove" in call("prepare", model, "--remove").stdout


def test_a_changed_model_is_packed(call, logits, model):
    assert call("prepare", model).returncode == 0
    random_model.write_random_model(model, "qwen2", ["q4_0", "q8_0", "f16"], seed=9)
    changed, said = logits(model)
    assert "made for another model" in said
    assert call("prepare", model, "--remove").returncode == 0
    assert logits(model) == (changed, "")


def test_a_model_whose_folder_takes_no_file(call, logits, model, tmp_path):
    packed, _ = logits(model)
    with model.open("rb") as file:
        other = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        done = call("prepare", other)
        panels = tmp_path / "home" / "panels" / f"{file.fileno()}.panels"
        assert done.returncode == 0 and str(panels).encode() in done.stdout, done.stderr
        mapped, said = logits(other, "info")
        assert mapped == packed and f"{panels}: mapped" in said


def test_a_disk_without_room_is_told_in_numbers(model):
    script = ('mount -t tmpfs -o size="$3" none "$2" && cp -p "$1" "$2/m.gguf" && '
              '{ "$4" prepare "$2/m.gguf"; echo "$?"; ls "$2"; }')
    disk = model.parent / "disk"
    disk.mkdir()
    size = model.stat().st_size + 65536
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", model, disk, str(size),
                           os.environ["HANDMILL_BIN"]], capture_output=True, timeout=60)
    if not done.stdout:
        pytest.skip("no file system can be mounted here")
    code, *files = done.stdout.decode().split()
    assert code == "1" and files == ["m.gguf"]
    assert re.search(r"prepared weights take .* kB; .* kB are free", done.stderr.decode())


@pytest.mark.skipif("HANDMILL_MODELS" not in os.environ
                    and "HANDMILL_REQUIRE_MODELS" not in os.environ,
                    reason="HANDMILL_MODELS is not set")
def test_an_ended_prepare_leaves_nothing(tmp_path):
    model = tmp_path / "m.gguf"
    model.symlink_to(Path(os.environ["HANDMILL_MODELS"]) / "smollm2-135m-instruct-q4_1.gguf")
    with subprocess.Popen([os.environ["HANDMILL_BIN"], "prepare", str(model)]) as child:
        while len(list(tmp_path.iterdir())) == 1:
            assert child.poll() is None
            time.sleep(0.002)
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == [model]


def test_both_flags_exclude_each_other(call, model):
    done = call("prepare", model, "--check", "--remove")
    assert done.returncode == 2 and b"exclude each other" in done.stderr
