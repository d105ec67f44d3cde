"""The engine's logits against the float32 reference: real and random models, on every CPU level.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models,
HANDMILL_BUILD the build folder, where reference logits are kept.
"""

import functools
import hashlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import reference
from random_model import NARROW, VOCAB, write_random_model

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
LEVELS = ["scalar", "avx2", "best"]
# Real model: its golden logits (of the texts' first positions), its rows in llama.cpp-kld.json.
REAL = {
    "smollm2-135m-instruct-q4_1": ("logits-f32-smollm2.json", "smollm2"),
    "qwen2.5-coder-0.5b-q4_k_m": ("logits-f32-qwen2.5-coder-0.5b.json",
                                  "qwen2.5-coder-0.5b-q4_k_m"),
}
TEXTS = ["en", "zh"]
TYPES = ["f32", "f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k",
         "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4", "f16,q6_k,q4_0,bf16,q3_k"]
FLOAT_TYPES = ("F32", "F16", "BF16")
# Longer than a block of the cache (64) and than gemma3's window (16).
RANDOM_IDS = np.random.default_rng(5).integers(0, VOCAB, 100).tolist()


def log_softmax(logits):
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def mean_divergence(expected, ours):
    """Mean over the positions of D(expected || ours), in nats."""
    p, q = log_softmax(expected), log_softmax(ours)
    return float((np.exp(p) * (p - q)).sum(axis=1).mean())


def same_top(expected, ours):
    return int((expected.argmax(axis=1) == ours.argmax(axis=1)).sum())


class CoarseModel(reference.Model):
    """The reference with the roundings that an engine is allowed: what quantized weights multiply
    is int8 with a scale for each 32 columns, and the cache holds f16."""

    def product(self, x, weight, name):
        if self.tensors[name].tensor_type.name not in FLOAT_TYPES:
            groups = x.reshape(-1, 32)
            scales = np.maximum(np.abs(groups).max(axis=1, keepdims=True), np.float32(1e-30)) / 127
            x = (np.round(groups / scales) * scales).reshape(x.shape)
        return super().product(x, weight, name)

    def stored(self, kv):
        return kv.astype(np.float16).astype(np.float32)


def environment(name):
    if name not in os.environ:
        pytest.fail(f"{name} is not set; see the top of {Path(__file__).name}")
    return Path(os.environ[name]).resolve()


def engine_logits(model, ids, level, folder, *flags):
    """What `handmill logits` gives, [n, vocab]."""
    if level == "avx2" and "avx2" not in Path("/proc/cpuinfo").read_text().split():
        pytest.skip("this machine has no AVX2")
    env = {key: value for key, value in os.environ.items() if key != "HANDMILL_CPU"}
    if level != "best":
        env["HANDMILL_CPU"] = level
    ids_file, out = folder / "ids.txt", folder / "out.npy"
    ids_file.write_text("\n".join(map(str, ids)) + "\n")
    binary = environment("HANDMILL_BIN")
    command = [binary, "logits", model, "--tokens-file", ids_file, "--out", out, *flags]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    logits = np.load(out)
    assert logits.dtype == np.float32 and len(logits) == len(ids)
    assert np.isfinite(logits).all()
    return logits


def golden_texts(name):
    return {entry["text"]: entry for entry in json.loads((GOLDEN / REAL[name][0]).read_text())}


def peer_row(name, text):
    rows = json.loads((GOLDEN / "llama.cpp-kld.json").read_text())["rows"]
    return rows[f"{REAL[name][1]}/{text}"]


def real_model(name):
    path = environment("HANDMILL_MODELS") / f"{name}.gguf"
    assert path.is_file(), f"{path} is missing"
    return path


def text_ids(name):
    """Text to ids, as many as the peer was measured on: a mean over fewer is another figure."""
    return json.loads((GOLDEN / "texts.json").read_text())["ids"][name]


@functools.cache
def real_reference(name):
    """Text to reference logits; computed once for each version of model and reference."""
    path, texts = real_model(name), text_ids(name)
    status = path.stat()
    version = f"{path} {status.st_size} {status.st_mtime_ns} {texts}".encode()
    key = hashlib.sha256(version + Path(reference.__file__).read_bytes()).hexdigest()[:16]
    folder = environment("HANDMILL_BUILD") / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{name}-{key}.npz"
    if not kept.is_file():
        logits = reference.Model(path).logits(list(texts.values()))
        partial = folder / f"partial-{os.getpid()}-{name}.npz"
        np.savez(partial, **dict(zip(texts, logits)))
        for stale in folder.glob(f"{name}-*.npz"):
            stale.unlink()
        partial.rename(kept)
    with np.load(kept) as arrays:
        return {text: arrays[text] for text in texts}


@functools.cache
def random_reference(architecture, types, folder):
    """(path of a random model, its reference logits, the divergence that is allowed).

    The engine's roundings differ from CoarseModel's in detail, not in size. Other details (another
    scale, no f16) moved the mean divergence by less than a third, so twice is far outside.
    """
    path = folder / f"{architecture}-{types.replace(',', '-')}.gguf"
    write_random_model(path, architecture, types.split(","))
    expected = reference.Model(path).logits([RANDOM_IDS])[0]
    coarse = CoarseModel(path).logits([RANDOM_IDS])[0]
    return path, expected, 2 * mean_divergence(expected, coarse)


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.mark.parametrize("name", REAL)
def test_reference_agrees_with_golden(name):
    """Two programs, one figure: golden logits of every position, perplexity of the whole text."""
    for text, entry in golden_texts(name).items():
        n = len(entry["ids"])
        assert n == len(entry["top"]) and entry["ids"] == text_ids(name)[text][:n]
        logits = real_reference(name)[text][:n].astype(np.float64)
        for row, top, logsumexp in zip(logits, entry["top"], entry["logsumexp"]):
            ids, values = np.array([pair[0] for pair in top]), [pair[1] for pair in top]
            np.testing.assert_allclose(row[ids], values, atol=1e-3)
            assert row.max() == row[ids].max()
            assert abs(np.log(np.exp(row).sum()) - logsumexp) < 1e-3
        ids, rows = text_ids(name)[text], log_softmax(real_reference(name)[text])
        perplexity = np.exp(-rows[np.arange(len(ids) - 1), ids[1:]].mean())
        assert abs(perplexity / peer_row(name, text)["ppl_ref"] - 1) < 1e-5


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", REAL)
def test_real_model_is_no_worse_than_llama_cpp(name, text, level, tmp_path):
    peer = peer_row(name, text)
    expected = real_reference(name)[text]
    ours = engine_logits(real_model(name), text_ids(name)[text], level, tmp_path)
    assert ours.shape == expected.shape
    divergence, agreeing = mean_divergence(expected, ours), same_top(expected, ours)
    assert divergence <= peer["kld_mean"]
    assert agreeing >= round(peer["same_top"] * len(expected)) - 2


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", REAL)
def test_int8_cache_costs_little(name, text, tmp_path):
    """Qwen's keys, less what they have in common, and all keys spread over their dimensions; a
    cache without either diverges up to 19 times as much as llama.cpp with an f16 cache."""
    expected = real_reference(name)[text]
    ours = engine_logits(real_model(name), text_ids(name)[text], "best", tmp_path, "--kv", "q8_0")
    assert mean_divergence(expected, ours) <= 1.6 * peer_row(name, text)["kld_mean"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("architecture", NARROW)
def test_random_model(architecture, types, level, models_folder, tmp_path):
    path, expected, bound = random_reference(architecture, types, models_folder)
    ours = engine_logits(path, RANDOM_IDS, level, tmp_path)
    assert ours.shape == expected.shape
    divergence = mean_divergence(expected, ours)
    assert divergence <= bound


def without(*suffixes):
    """Drops the tensors of these names, in every layer."""
    def change(model):
        names = [name for name in model.tensors if name.split(".", 2)[-1] in suffixes
                 or name in suffixes]
        assert names, f"no tensor ends in {suffixes}"
        for name in names:
            del model.tensors[name]
    return change


def with_shape(**values):
    """Other hyper-parameters than the file's."""
    def change(model):
        for key, value in values.items():
            setattr(model.shape, key, value)
    return change


# What an engine could get wrong in a model of this architecture.
FAULTS = {
    "llama, no rope factors": without("rope_freqs.weight"),
    "llama, rope on halves": with_shape(architecture="qwen2"),
    "llama, tied output": without("output.weight"),
    "llama, larger epsilon": with_shape(layer_norm_rms_epsilon=1e-2),
    "qwen2, no q bias": without("attn_q.bias"),
    "qwen2, no v bias": without("attn_v.bias"),
    "qwen2, rope on neighbours": with_shape(architecture="llama"),
    "qwen2, other rope base": with_shape(rope_freq_base=1e5),
    "qwen3, no q norm": without("attn_q_norm.weight"),
    "qwen3, no k norm": without("attn_k_norm.weight"),
    "gemma3, window one shorter": with_shape(sliding_window=15),
    "gemma3, window one longer": with_shape(sliding_window=17),
    "gemma3, no window": with_shape(sliding_window=0),
    "gemma3, first layer global": with_shape(sliding_window_pattern=1),
    "gemma3, local layers with the global rope base": with_shape(rope_freq_base_swa=1e6),
    "gemma3, global layers with the local rope base": with_shape(rope_freq_base=1e4),
    "gemma3, silu": with_shape(architecture="qwen3"),
    "gemma3, no norm after attention": without("post_attention_norm.weight"),
    "gemma3, no norm after ffn": without("post_ffw_norm.weight"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bound_tells_a_fault(fault, models_folder):
    """A faulty engine would exceed the bound of the f32 model many times over."""
    path, expected, bound = random_reference(fault.split(",")[0], "f32", models_folder)
    model = reference.Model(path)
    FAULTS[fault](model)
    divergence = mean_divergence(expected, model.logits([RANDOM_IDS])[0])
    assert divergence > 20 * bound


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("architecture", NARROW)
def test_random_models_are_lively(architecture, types, models_folder):
    """Near-uniform or constant answers would hide an engine's errors."""
    _, expected, bound = random_reference(architecture, types, models_folder)
    p = log_softmax(expected)
    entropy = float(-(np.exp(p) * p).sum(axis=1).mean())
    assert 1 < entropy < np.log(VOCAB) - 1.5
    assert len(set(expected.argmax(axis=1))) >= 10
    assert 0 < bound < 0.025
