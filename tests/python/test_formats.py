"""Every block format's decoder and encoder, bit for bit against the `gguf` package.

Runs the build's tensor_dump over random and extreme blocks; HANDMILL_BUILD names the build folder.
"""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize

from block_fields import HALF_FIELDS

FLOATS = ["f32", "f16", "bf16"]
ENCODERS = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"]
# zeros, smallest and largest subnormal, smallest normal, one, a third, largest; then each negative
HALVES = [0x0000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0x3555, 0x7BFF]
HALVES += [0x8000 | half for half in HALVES]


def run_dump(verb, name, data, folder):
    """What tensor_dump makes of `data`, as bytes."""
    source, target = folder / "in.bin", folder / "out.bin"
    source.write_bytes(data.tobytes())
    tools = list(Path(os.environ["HANDMILL_BUILD"]).rglob("tensor_dump"))
    assert len(tools) == 1, f"one tensor_dump under HANDMILL_BUILD, not {tools}"
    subprocess.run([tools[0], verb, name, source, target], check=True)
    return target.read_bytes()


def require_same(ours, expected):
    for row, column in np.argwhere(ours != expected)[:1]:
        found, wanted = ours[row, column], expected[row, column]
        pytest.fail(f"block {row}, {column}: {found:#x}, not {wanted:#x}")


def with_halves(blocks, name, halves):
    """The blocks with their f16 fields taken in turn from `halves`; of two fields, every pair."""
    blocks = blocks.copy()
    for position, offset in enumerate(HALF_FIELDS[name]):
        turn = np.arange(len(blocks)) // len(halves) ** position % len(halves)
        blocks[:, offset:offset + 2] = np.asarray(halves, np.uint16)[turn, None].view(np.uint8)
    return blocks


def sample_blocks(name, seed=1):
    size = GGML_QUANT_SIZES[GGMLQuantizationType[name.upper()]][1]
    rng = np.random.default_rng(seed)
    n = len(HALVES) ** 2 * 2
    noise = rng.integers(0, 256, (n, size), dtype=np.uint8)
    finite = rng.integers(0, 0x7C00, 1021) | rng.integers(0, 2, 1021) << 15
    parts = [with_halves(noise, name, finite)]
    for blocks in (noise, np.zeros_like(noise), np.full_like(noise, 0xFF)):
        parts.append(with_halves(blocks, name, HALVES))
    if name == "mxfp4":  # every exponent with every code
        parts.append(np.hstack([np.arange(256, dtype=np.uint8)[:, None],
                                np.tile(np.arange(16, dtype=np.uint8) * 17, (256, 1))]))
        parts.append(parts[-1].copy())
        parts[-1][:, 1:] = parts[-1][:, 1:][:, ::-1]
    return np.concatenate(parts)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # 2^127 · 12 overflows, in both
@pytest.mark.parametrize("name", HALF_FIELDS)
def test_decode(name, tmp_path):
    blocks = sample_blocks(name)
    expected = dequantize(blocks, GGMLQuantizationType[name.upper()]).astype(np.float32)
    ours = np.frombuffer(run_dump("decode", name, blocks, tmp_path), np.float32)
    require_same(ours.reshape(expected.shape).view(np.uint32), expected.view(np.uint32))
    assert np.isfinite(expected).mean() > 0.75 and len(np.unique(expected)) > 1000


@pytest.mark.parametrize("name", FLOATS)
def test_decode_floats(name, tmp_path):
    if name == "f32":
        data = np.random.default_rng(1).integers(0, 2**32, 65536, dtype=np.uint32).view(np.uint8)
    else:
        data = np.arange(65536, dtype=np.uint16).view(np.uint8)
    expected = dequantize(data, GGMLQuantizationType[name.upper()]).astype(np.float32)
    ours = np.frombuffer(run_dump("decode", name, data, tmp_path), np.float32)
    number = ~np.isnan(expected)
    assert np.array_equal(ours.view(np.uint32)[number], expected.view(np.uint32)[number])
    assert np.isnan(ours[~number]).all()


@pytest.mark.parametrize("name", ENCODERS)
def test_encode(name, tmp_path):
    rng = np.random.default_rng(2)
    scales = np.float32(2.0) ** rng.integers(-60, 12, (2000, 1)).astype(np.float32)
    rows = (rng.standard_normal((2000, 32)) * scales).astype(np.float32)
    rows[:200] += scales[:200] * 100   # an offset far from zero
    rows[200:300] = (np.round(rows[200:300] / scales[200:300]) + 1) * scales[200:300]  # many ties
    rows[300:310] = 0
    rows[310:320] = rows[310:320, :1]  # all equal
    rows[320] = np.linspace(-1e38, 1e38, 32)  # d overflows to infinity
    with np.errstate(over="ignore"):
        expected = quantize(rows, GGMLQuantizationType[name.upper()])
    ours = np.frombuffer(run_dump("encode", name, rows, tmp_path), np.uint8)
    require_same(ours.reshape(expected.shape), expected)


def test_every_format_is_covered(tmp_path):
    """A type that the binary knows and this file does not would go untested."""
    for kind, (_, size) in GGML_QUANT_SIZES.items():
        name = kind.name.lower()
        if name in HALF_FIELDS or name in FLOATS:
            continue
        with pytest.raises(subprocess.CalledProcessError):
            run_dump("decode", name, np.zeros(size, np.uint8), tmp_path)
