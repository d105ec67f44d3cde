#!/usr/bin/env python3
"""Writes a tiny GGUF model with random weights whose logits are lively: every part of the forward
pass leaves its mark on them, and none drowns the others.

    random_model.py OUT.gguf --arch llama|qwen2|qwen3|gemma3 [--type TYPE[,TYPE…]] [--seed N]

With several types the matrices take them in turn.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from gguf import GGUFWriter, TokenType
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize

from block_fields import HALF_FIELDS

VOCAB = 307  # no multiple of any panel or tile
MERGES = ["Ġ t", "h e", "i n", "e r", "a n", "o n", "Ġt he", "Ġ a", "r e", "in g", "Ġ s", "Ġ Ġ"]
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
          "message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


@dataclass
class Dimensions:
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    tied: bool


# Narrow: rows of 32-column blocks that are no multiple of 256, head_dim · heads ≠ width where the
# architecture allows it. Wide: the same for types with blocks of 256.
NARROW = {
    "llama": Dimensions(3, 192, 6, 2, 32, 320, tied=False),
    "qwen2": Dimensions(2, 96, 3, 1, 32, 288, tied=True),
    "qwen3": Dimensions(3, 192, 4, 2, 64, 416, tied=False),
    "gemma3": Dimensions(7, 128, 4, 1, 64, 352, tied=True),
}
WIDE = {
    "llama": Dimensions(3, 256, 8, 2, 32, 512, tied=False),
    "qwen2": Dimensions(2, 256, 4, 2, 64, 256, tied=True),
    "qwen3": Dimensions(3, 256, 8, 4, 64, 512, tied=False),
    "gemma3": Dimensions(7, 256, 8, 2, 64, 512, tied=True),
}
GEMMA_WINDOW = 16


def random_blocks(kind, rows, cols, deviation, rng):
    """Rows of random blocks of a type that the `gguf` package cannot quantize to."""
    block_cols, block_bytes = GGML_QUANT_SIZES[kind]
    fields = HALF_FIELDS[kind.name.lower()]
    blocks = rng.integers(0, 256, (rows * cols // block_cols, block_bytes), dtype=np.uint8)

    # Random scales and mins are alike, so a dmin of half the codes' range, and either sign of d,
    # put the mean near zero: a common mean would be one direction that drowns the others.
    levels = {"Q2_K": 4, "Q4_K": 16, "Q5_K": 32}.get(kind.name, 1)
    signs = rng.choice([-1.0, 1.0], (len(blocks), 1))

    def set_halves(d):
        for offset, value in zip(fields, (d * signs, d * signs * (levels - 1) / 2)):
            blocks[:, offset:offset + 2] = value.astype(np.float16).view(np.uint8)

    set_halves(1.0)
    set_halves(deviation / dequantize(blocks, kind).std())
    return blocks.reshape(rows, -1)


class Builder:
    def __init__(self, path, architecture, types, seed):
        self.kinds = [GGMLQuantizationType[name.upper()] for name in types]
        wide = any(GGML_QUANT_SIZES[kind][0] == 256 for kind in self.kinds)
        self.architecture = architecture
        self.dims = (WIDE if wide else NARROW)[architecture]
        self.rng = np.random.default_rng(seed)
        self.writer = GGUFWriter(path, architecture)
        self.matrices = 0

    def matrix(self, name, rows, cols, gain):
        """Inputs of deviation 1 become outputs of deviation `gain`."""
        kind = self.kinds[self.matrices % len(self.kinds)]
        self.matrices += 1
        deviation = gain / np.sqrt(cols)
        values = self.rng.normal(0, deviation, (rows, cols)).astype(np.float32)
        if kind in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
            self.writer.add_tensor(name + ".weight", quantize(values, kind))
            return
        try:
            data = quantize(values, kind)
        except NotImplementedError:
            data = random_blocks(kind, rows, cols, deviation, self.rng)
        self.writer.add_tensor(name + ".weight", data, raw_dtype=kind)

    def vector(self, name, n, mean, deviation):
        self.writer.add_tensor(name, self.rng.normal(mean, deviation, n).astype(np.float32))

    def metadata(self):
        dims, out = self.dims, self.writer
        out.add_name(f"random {self.architecture}")
        out.add_quantization_version(2)
        out.add_block_count(dims.layers)
        out.add_context_length(512)
        out.add_embedding_length(dims.width)
        out.add_feed_forward_length(dims.ffn)
        out.add_head_count(dims.heads)
        out.add_head_count_kv(dims.kv_heads)
        out.add_layer_norm_rms_eps(1e-6)
        out.add_rope_freq_base(1e6 if self.architecture == "gemma3" else 1e4)
        out.add_vocab_size(VOCAB)
        if self.architecture in ("qwen3", "gemma3"):
            out.add_key_length(dims.head_dim)
            out.add_value_length(dims.head_dim)
        else:
            out.add_rope_dimension_count(dims.head_dim)
        if self.architecture == "gemma3":
            out.add_sliding_window(GEMMA_WINDOW)

    def tokenizer(self):
        """A byte-level vocabulary: the 256 bytes, a few merges, control tokens, and unused ones."""
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in printable]
        letters = dict(zip(printable, map(chr, printable)))
        letters.update({byte: chr(256 + i) for i, byte in enumerate(others)})
        plain = [letters[byte] for byte in range(256)] + [pair.replace(" ", "") for pair in MERGES]
        unused = [f"<|unused_{i}|>" for i in range(VOCAB - len(plain) - len(CONTROL))]
        out = self.writer
        out.add_tokenizer_model("gpt2")
        out.add_tokenizer_pre("qwen2")
        out.add_token_list(plain + CONTROL + unused)
        out.add_token_types([TokenType.NORMAL] * len(plain) + [TokenType.CONTROL] * len(CONTROL)
                            + [TokenType.UNUSED] * len(unused))
        out.add_token_merges(MERGES)
        out.add_bos_token_id(len(plain))
        out.add_eos_token_id(len(plain) + CONTROL.index("<|im_end|>"))
        out.add_pad_token_id(len(plain))
        out.add_add_bos_token(False)
        out.add_chat_template(CHATML)

    def layer(self, i):
        dims, p, gemma = self.dims, f"blk.{i}.", self.architecture == "gemma3"
        q_rows, kv_rows = dims.heads * dims.head_dim, dims.kv_heads * dims.head_dim
        self.vector(p + "attn_norm.weight", dims.width, 1, 0.2)
        self.matrix(p + "attn_q", q_rows, dims.width, 1.4)  # scores of deviation 2
        self.matrix(p + "attn_k", kv_rows, dims.width, 1.4)
        self.matrix(p + "attn_v", kv_rows, dims.width, 1)
        self.matrix(p + "attn_output", dims.width, q_rows, 2)  # what averaging values takes away
        if self.architecture == "qwen2":
            self.vector(p + "attn_q.bias", q_rows, 0, 0.5)
            self.vector(p + "attn_k.bias", kv_rows, 0, 0.5)
            self.vector(p + "attn_v.bias", kv_rows, 0, 0.5)
        if self.architecture in ("qwen3", "gemma3"):
            self.vector(p + "attn_q_norm.weight", dims.head_dim, 1.4, 0.2)
            self.vector(p + "attn_k_norm.weight", dims.head_dim, 1.4, 0.2)
        self.vector(p + "ffn_norm.weight", dims.width, 1, 0.2)
        self.matrix(p + "ffn_gate", dims.ffn, dims.width, 1.5)
        self.matrix(p + "ffn_up", dims.ffn, dims.width, 1.5)
        self.matrix(p + "ffn_down", dims.width, dims.ffn, 1)
        if gemma:  # against an embedding that is scaled by sqrt(width)
            self.vector(p + "post_attention_norm.weight", dims.width, 5, 1)
            self.vector(p + "post_ffw_norm.weight", dims.width, 5, 1)

    def write(self):
        dims, out = self.dims, self.writer
        self.metadata()
        self.tokenizer()
        # Tied, the embedding must stay small beside the layers, or each token predicts itself.
        self.matrix("token_embd", VOCAB, dims.width, 2.5 if dims.tied else np.sqrt(dims.width))
        for i in range(dims.layers):
            self.layer(i)
        self.vector("output_norm.weight", dims.width, 1, 0.2)
        if not dims.tied:
            self.matrix("output", VOCAB, dims.width, 2.5)
        if self.architecture == "llama":
            factors = np.linspace(1, 8, dims.head_dim // 2, dtype=np.float32)
            out.add_tensor("rope_freqs.weight", factors)
        out.write_header_to_file()
        out.write_kv_data_to_file()
        out.write_tensors_to_file()
        out.close()


def write_random_model(path, architecture, types, seed=1):
    Builder(path, architecture, types, seed).write()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--arch", choices=NARROW, required=True)
    parser.add_argument("--type", default="f32")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    write_random_model(args.out, args.arch, args.type.split(","), args.seed)


if __name__ == "__main__":
    main()
