"""A model on a Vulkan device, through the program: the flags, the plan, where the layers are.

Environment: as in program.py; with HANDMILL_REQUIRE_VULKAN it is a fault if there is no device."""

import json

import pytest

from program import caller, home_in, keep_measured, needed, vulkan_device

pytestmark = needed
MODEL = "smollm2-135m-instruct-q4_1"
WORDS = ["--raw", "-c", "256", "--max-tokens", "6", "--greedy", "--format", "json",
         "--speculate", "off"]
QUESTION = "The capital of France is"


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory):
    return home_in(tmp_path_factory.mktemp("home"))


@pytest.fixture(name="call", scope="module")
def _call(home):
    return caller(home)


@pytest.fixture(name="device", scope="module")
def _device(call):
    return vulkan_device(call)


def answer(call, *words):
    done = call("run", MODEL, QUESTION, *WORDS, *words)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_without_a_gpu_everything_is_as_ever(call):
    told = answer(call, "--gpu", "none")
    assert "Paris" in told["text"]
    assert told["backend"].startswith("cpu")


def test_auto_never_takes_a_processors_emulation(call, device):
    if "llvmpipe" not in device:
        pytest.skip("a real device is here")
    assert answer(call)["backend"].startswith("cpu")


def test_a_device_that_is_not_there(call):
    done = call("run", MODEL, QUESTION, "--gpu", "no such device")
    assert done.returncode == 1
    assert b"no such device" in done.stderr


@pytest.mark.parametrize("flags, what", [
    (["--gpu-layers", "-1"], "-1 is not between 0"),
    (["--gpu-layers", "some"], "\"some\" is not a whole number"),
    (["--gpu-memory", "6"], "\"6\" is not an amount of memory"),
    (["--gpu", "none", "--gpu-layers", "3"], "--gpu-layers has nothing to do with --gpu none"),
    (["--gpu", "none", "--gpu-memory", "3G"], "--gpu-memory has nothing to do with --gpu none"),
])
def test_flags_that_are_wrong(call, flags, what):
    done = call("run", MODEL, QUESTION, *flags)
    assert done.returncode == 2
    assert what in done.stderr.decode()


@pytest.mark.parametrize("command", ["run", "serve", "bench", "explain"])
def test_every_command_with_an_engine_has_the_flags(call, command):
    page = call(command, "--help").stdout.decode()
    for flag in ["--gpu auto|none|NAME", "--gpu-layers auto|N", "--gpu-memory SIZE"]:
        assert flag in page


def test_the_layers_are_where_they_were_asked_for(call, device):
    whole = answer(call, "--gpu", device)
    assert "Paris" in whole["text"]
    assert device in whole["backend"] and "layers" not in whole["backend"]
    some = answer(call, "--gpu", device, "--gpu-layers", "10")
    assert "Paris" in some["text"]
    assert f"{device} for 10 of 30 layers" in some["backend"]
    assert "head" not in some["backend"]
    assert answer(call, "--gpu", device, "--gpu-layers", "0")["backend"].startswith("cpu")


def test_what_does_not_fit_says_what_would(call, device):
    done = call("run", MODEL, QUESTION, "--gpu", device, "--gpu-layers", "30", "-c", "4096",
                "--gpu-memory", "200M")
    assert done.returncode != 0
    said = done.stderr.decode()
    assert "30 layers take" in said and "191 MiB may be used" in said
    layers = int(said.split("What would fit: ")[1].split(" layers")[0])
    fits = answer(call, "--gpu", device, "--gpu-layers", str(layers), "-c", "4096",
                  "--gpu-memory", "200M")
    assert f"for {layers} of 30 layers" in fits["backend"]


def test_explain_shows_the_plan(call, device, home):
    keep_measured(call, home)
    done = call("explain", MODEL, "--gpu", device, "--gpu-memory", "200M", "--json")
    plan = json.loads(done.stdout)["gpu"]
    assert plan["device"] == device
    assert plan["room_bytes"] == 200_000_000
    assert sum(plan["bytes"].values()) == plan["chosen"]["bytes"] <= 200_000_000
    text = call("explain", MODEL, "--gpu", device).stdout.decode()
    assert "On this machine's GPU" in text
    assert "On this machine's GPU" not in call("explain", MODEL, "--gpu", "none").stdout.decode()
