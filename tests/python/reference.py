#!/usr/bin/env python3
"""A float32 NumPy forward pass of GGUF decoder models: the oracle for the engine's logits.

Plain and slow: weights dequantized to float32, activations never quantized, attention over whole
score matrices. Architectures: llama, qwen2, qwen3, gemma3.

    reference.py FILE.gguf --tokens-file ids.txt --out ref.npy     saves [n, vocab] float32 logits
"""

import argparse
from dataclasses import dataclass

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

ARCHITECTURES = ("llama", "qwen2", "qwen3", "gemma3")
HEAD_ROWS_AT_ONCE = 16384  # of the output matrix: bounds the memory of a large vocabulary


@dataclass
class Shape:
    """What the file's metadata says, under the metadata's names."""
    architecture: str
    block_count: int
    embedding_length: int
    head_count: int
    head_count_kv: int
    key_length: int
    rope_dimension_count: int
    rope_freq_base: float
    layer_norm_rms_epsilon: float
    sliding_window: int = 0
    sliding_window_pattern: int = 6
    rope_freq_base_swa: float = 10000.0

    @property
    def gemma(self):
        return self.architecture == "gemma3"

    def is_local(self, layer):
        """Of every sliding_window_pattern layers, all but the last see only the window."""
        return self.gemma and self.sliding_window and (layer + 1) % self.sliding_window_pattern != 0

    @classmethod
    def read(cls, reader):
        architecture = reader.get_field("general.architecture").contents()
        if architecture not in ARCHITECTURES:
            raise ValueError(f"no reference for {architecture}, only for {ARCHITECTURES}")

        def get(key, default=None):
            field = reader.get_field(f"{architecture}.{key}")
            if field is None and default is None:
                raise ValueError(f"{architecture}.{key} is missing")
            return default if field is None else field.contents()

        if get("rope.scaling.type", "none") != "none":
            raise ValueError(f"no reference for rope scaling {get('rope.scaling.type')}")
        heads, width = get("attention.head_count"), get("embedding_length")
        head_dim = get("attention.key_length", width // heads)
        return cls(
            architecture=architecture, block_count=get("block_count"), embedding_length=width,
            head_count=heads, head_count_kv=get("attention.head_count_kv", heads),
            key_length=head_dim, rope_dimension_count=get("rope.dimension_count", head_dim),
            rope_freq_base=get("rope.freq_base", 10000.0),
            layer_norm_rms_epsilon=get("attention.layer_norm_rms_epsilon"),
            sliding_window=get("attention.sliding_window", 0),
            sliding_window_pattern=get("attention.sliding_window_pattern", 6),
            rope_freq_base_swa=get("rope.freq_base_swa", 10000.0))


def rms_norm(x, weight, epsilon):
    return x / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + epsilon) * weight


def silu(x):
    return x / (1 + np.exp(-x))


def gelu_tanh(x):
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x**3)
    return 0.5 * x * (1 + np.tanh(inner))


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def rope_turns(n, dims, base, factors=None):
    """[n, dims / 2] unit complex numbers: what each pair of dimensions is multiplied with."""
    frequency = float(base) ** (-2.0 * np.arange(dims // 2) / dims)
    if factors is not None:
        frequency = frequency / factors
    return np.exp(1j * np.outer(np.arange(n), frequency)).astype(np.complex64)


def rotate(x, turns, neighbours):
    """x: [n, heads, head_dim]. Pairs are (2i, 2i + 1) if `neighbours`, else (i, i + dims / 2)."""
    half = turns.shape[1]
    even, odd = ((slice(0, 2 * half, 2), slice(1, 2 * half, 2)) if neighbours
                 else (slice(0, half), slice(half, 2 * half)))
    turned = (x[..., even] + 1j * x[..., odd]) * turns[:, None, :]
    out = x.copy()
    out[..., even], out[..., odd] = turned.real, turned.imag
    return out


class Model:
    """A GGUF file and its forward pass. `stored` and `product` are what a test may override to ask
    what a coarser arithmetic would do."""

    def __init__(self, path):
        reader = GGUFReader(path)
        self.shape = Shape.read(reader)
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}

    def rows(self, name, chosen=slice(None)):
        """The chosen rows of a tensor as float32 (all of it where it has one dimension)."""
        tensor = self.tensors[name]
        return dequantize(np.ascontiguousarray(tensor.data[chosen]), tensor.tensor_type).astype(
            np.float32, copy=False)

    def optional(self, name):
        return self.rows(name) if name in self.tensors else None

    def product(self, x, weight, name):
        """x: [n, cols], weight: [rows, cols] of the tensor of that name."""
        return x @ weight.T

    def stored(self, kv):
        """What is left of keys or values [n, kv_heads, head_dim] after a stay in the cache."""
        return kv

    def linear(self, layer, name):
        """The function that multiplies with one weight, its bias included."""
        weight_name = f"blk.{layer}.{name}.weight"
        weight, bias = self.rows(weight_name), self.optional(f"blk.{layer}.{name}.bias")
        return lambda x: self.product(x, weight, weight_name) + (0 if bias is None else bias)

    def norm(self, layer, name):
        """The function of one RMS norm; the identity where the layer has none of that name."""
        weight = self.optional(f"blk.{layer}.{name}.weight")
        epsilon = np.float32(self.shape.layer_norm_rms_epsilon)
        return lambda x: x if weight is None else rms_norm(x, weight, epsilon)

    def attention(self, layer):
        s = self.shape
        local = s.is_local(layer)
        to_q, to_k, to_v, to_out = (self.linear(layer, f"attn_{part}")
                                    for part in ("q", "k", "v", "output"))
        q_norm, k_norm = self.norm(layer, "attn_q_norm"), self.norm(layer, "attn_k_norm")
        factors = self.optional("rope_freqs.weight")

        def attend(x):
            n = len(x)
            turns = rope_turns(n, s.rope_dimension_count,
                               s.rope_freq_base_swa if local else s.rope_freq_base, factors)
            q = to_q(x).reshape(n, s.head_count, s.key_length)
            k = to_k(x).reshape(n, s.head_count_kv, s.key_length)
            v = self.stored(to_v(x).reshape(n, s.head_count_kv, -1))
            q = rotate(q_norm(q), turns, s.architecture == "llama")
            k = self.stored(rotate(k_norm(k), turns, s.architecture == "llama"))
            age = np.arange(n)[:, None] - np.arange(n)[None, :]
            visible = (age >= 0) & (age < s.sliding_window if local else True)
            heads = []
            for head in range(s.head_count):
                kv_head = head * s.head_count_kv // s.head_count
                scores = q[:, head] @ k[:, kv_head].T / np.float32(np.sqrt(s.key_length))
                heads.append(softmax(np.where(visible, scores, -np.inf)) @ v[:, kv_head])
            return to_out(np.concatenate(heads, axis=1))

        return attend

    def feed_forward(self, layer):
        gate, up, down = (self.linear(layer, f"ffn_{part}") for part in ("gate", "up", "down"))
        activation = gelu_tanh if self.shape.gemma else silu
        return lambda x: down(activation(gate(x)) * up(x))

    def block(self, layer):
        """The function of one layer; its weights are dequantized once for all that it is given."""
        before_attention, before_ffn = self.norm(layer, "attn_norm"), self.norm(layer, "ffn_norm")
        after_attention = self.norm(layer, "post_attention_norm")
        after_ffn = self.norm(layer, "post_ffw_norm")
        attend, feed = self.attention(layer), self.feed_forward(layer)

        def apply(x):
            x = x + after_attention(attend(before_attention(x)))
            return x + after_ffn(feed(before_ffn(x)))

        return apply

    def head(self, x):
        name = "output.weight" if "output.weight" in self.tensors else "token_embd.weight"
        vocab = int(self.tensors[name].shape[1])
        parts = [self.product(x, self.rows(name, slice(i, i + HEAD_ROWS_AT_ONCE)), name)
                 for i in range(0, vocab, HEAD_ROWS_AT_ONCE)]
        return np.concatenate(parts, axis=1)

    def logits(self, texts):
        """For each list of ids [n, vocab] float32: row i scores what follows ids[0..i]."""
        s = self.shape
        scale = np.float32(np.sqrt(s.embedding_length)) if s.gemma else np.float32(1)
        hidden = [self.rows("token_embd.weight", np.asarray(ids)) * scale for ids in texts]
        for layer in range(s.block_count):
            apply = self.block(layer)
            hidden = [apply(x) for x in hidden]
        weight, epsilon = self.rows("output_norm.weight"), np.float32(s.layer_norm_rms_epsilon)
        stacked = self.head(rms_norm(np.concatenate(hidden), weight, epsilon))
        return np.split(stacked, np.cumsum([len(ids) for ids in texts])[:-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--tokens-file", required=True, help="ids between spaces, commas or lines")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    with open(args.tokens_file) as file:
        ids = [int(token) for token in file.read().replace(",", " ").split()]
    np.save(args.out, Model(args.file).logits([ids])[0])


if __name__ == "__main__":
    main()
