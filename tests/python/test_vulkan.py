"""Real models on a Vulkan device, alone and beside the processor, under Mesa's emulation of one:
against the reference's logits. HANDMILL_REQUIRE_VULKAN makes a machine without any device a
failure."""

import numpy as np
import pytest
from program import caller, home_in, vulkan_device
from test_logits import (REAL, engine_logits, mean_divergence, peer_row, real_model,
                         real_reference, same_top, text_ids)

# As many tokens as an emulated device computes in reasonable time; the bounds of llama.cpp are of
# whole texts.
FEW = 70


@pytest.fixture(name="device", scope="module")
def _device(tmp_path_factory):
    return vulkan_device(caller(home_in(tmp_path_factory.mktemp("home"))))


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
