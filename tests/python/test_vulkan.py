"""Real models on a Vulkan device, alone and beside the processor, under Mesa's emulation of one:
against the reference's logits, and the same text alone and in a batch. HANDMILL_REQUIRE_VULKAN
makes a machine without any device a failure."""

import json
import os
import re
import subprocess

import numpy as np
import pytest
from test_logits import (REAL, engine_logits, environment, mean_divergence, peer_row, real_model,
                         real_reference, same_top, text_ids)

# As many tokens as an emulated device computes in reasonable time; the bounds of llama.cpp are of
# whole texts.
FEW = 70


@pytest.fixture(scope="session")
def device():
    """The name of a device that will do."""
    # It fails where the machine is too busy for its figures; the devices are told all the same.
    probed = subprocess.run([environment("HANDMILL_BIN"), "probe", "--json"], capture_output=True,
                            text=True, timeout=300)
    for found in json.loads(probed.stdout)["devices"]:
        if not found.get("missing"):
            return found["name"]
    if "HANDMILL_REQUIRE_VULKAN" in os.environ:
        pytest.fail("there is no Vulkan device")
    pytest.skip("there is no Vulkan device")


def whole(device):
    return ["--gpu", device, "--gpu-layers", "99"]


def test_real_model_is_no_worse_than_llama_cpp(device, tmp_path):
    name, text = "smollm2-135m-instruct-q4_1", "en"
    peer, expected = peer_row(name, text), real_reference(name)[text]
    ours = engine_logits(real_model(name), text_ids(name)[text], "best", tmp_path, *whole(device))
    assert ours.shape == expected.shape
    assert mean_divergence(expected, ours) <= peer["kld_mean"]
    assert same_top(expected, ours) >= round(peer["same_top"] * len(expected)) - 2


@pytest.mark.parametrize("kv", ["f16", "q8_0"])
@pytest.mark.parametrize("name", REAL)
def test_real_model_is_no_worse_than_on_the_processor(name, kv, device, tmp_path):
    """From the reference, both are as far; the roundings differ in detail."""
    ids, expected = text_ids(name)["zh"][:FEW], real_reference(name)["zh"][:FEW]
    here = engine_logits(real_model(name), ids, "best", tmp_path, "--kv", kv, "--gpu", "none")
    there = engine_logits(real_model(name), ids, "best", tmp_path, "--kv", kv, *whole(device))
    assert not np.array_equal(here, there)
    assert mean_divergence(expected, there) <= 1.25 * mean_divergence(expected, here)


def test_layers_in_both_places(device, tmp_path):
    """No layer on the device is the processor's model, bit by bit; some are as near as all."""
    name = "smollm2-135m-instruct-q4_1"
    ids, expected = text_ids(name)["en"][:FEW], real_reference(name)["en"][:FEW]

    def logits(*flags):
        return engine_logits(real_model(name), ids, "best", tmp_path, *flags)

    here = logits("--gpu", "none")
    assert np.array_equal(here, logits("--gpu", device, "--gpu-layers", "0"))
    bound = 1.25 * mean_divergence(expected, here)
    for layers in ("1", "17", "30"):
        split = logits("--gpu", device, "--gpu-layers", layers)
        assert not np.array_equal(here, split), layers
        assert mean_divergence(expected, split) <= bound, layers


def test_answers_name_the_device_and_the_split(device):
    def run(*flags):
        return subprocess.run(
            [environment("HANDMILL_BIN"), "run", real_model("smollm2-135m-instruct-q4_1"), "Hello",
             "--max-tokens", "4", "--seed", "1", *flags], capture_output=True, text=True,
            timeout=300, check=True)

    assert device in run(*whole(device)).stderr
    split = run("--gpu", device, "--gpu-layers", "5")
    assert re.search(rf"{re.escape(device)}.* 5 of 30 layers", split.stderr)
    assert "layers" not in run("--gpu", "none").stderr
