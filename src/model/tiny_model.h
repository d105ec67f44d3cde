// Small random models for tests: every architecture, every mix of tensor types that can be encoded,
// with a byte-level vocabulary. The same description gives the same bytes.
#pragma once

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include "gguf/file.h"
#include "gguf/writer.h"
#include "tensor/format.h"
#include "tensor/half.h"

namespace handmill::model {

struct TinyModel {
  std::string architecture = "llama";
  int layers = 3, width = 64, heads = 4, kv_heads = 2, head_dim = 32, ffn_width = 96, vocab = 300;
  int context = 4096;
  int window = 40, window_pattern = 3;  // gemma3
  bool tied = true;
  bool end_token = false;  // otherwise no token ends an answer
  uint32_t seed = 1;
  /// Matrices take them in turn.
  std::vector<tensor::Type> types = {tensor::Type::kQ8_0, tensor::Type::kQ4_0, tensor::Type::kQ4_1,
                                     tensor::Type::kQ5_0, tensor::Type::kQ5_1};
  std::set<std::string> without = {};              // keys and tensors to leave out
  std::set<std::string> biases = {};               // tensors "blk.0.attn_q.bias" to add
  std::function<void(gguf::Writer&)> change = {};  // of the metadata, last
  std::vector<std::pair<std::string, std::vector<float>>> more = {};  // f32 vectors to add
  /// Changes a matrix's values before they are encoded.
  std::function<void(const std::string& name, std::vector<float>& values)> spoil = {};

  /// Written, opened, and unlinked.
  std::shared_ptr<const gguf::File> open() const;
  /// Written and kept.
  void write(const std::string& path) const;
};

namespace tiny {

/// The printable stand-in of a byte in a byte-level vocabulary, as UTF-8.
inline std::string byte_text(int byte) {
  auto printable = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  };
  int code = byte;
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  }
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 63))};
}

/// Adds a model's entries and tensors to a Writer, and keeps the tensors' bytes alive for it.
class Builder {
 public:
  explicit Builder(const TinyModel& tiny) : tiny_(tiny), random_(tiny.seed) {}

  void write(const std::string& path) {
    metadata();
    vocabulary();
    if (tiny_.change) tiny_.change(writer_);
    tensors();
    for (const auto& [name, values] : tiny_.more) add_floats(name, values);
    const Status written = writer_.write(path);
    ASSERT_TRUE(written.ok()) << written.error().message;
  }

 private:
  template <class T>
  void set(const std::string& key, T value) {
    if (!tiny_.without.contains(key)) writer_.set(key, value);
  }
  void count(const std::string& key, int value) {
    set(tiny_.architecture + "." + key, static_cast<uint32_t>(value));
  }

  void metadata() {
    if (!tiny_.without.contains("general.architecture"))
      writer_.set_string("general.architecture", tiny_.architecture);
    count("block_count", tiny_.layers);
    count("context_length", tiny_.context);
    count("embedding_length", tiny_.width);
    count("feed_forward_length", tiny_.ffn_width);
    count("attention.head_count", tiny_.heads);
    count("attention.head_count_kv", tiny_.kv_heads);
    count("attention.key_length", tiny_.head_dim);
    count("attention.value_length", tiny_.head_dim);
    set(tiny_.architecture + ".attention.layer_norm_rms_epsilon", 1e-5f);
    set(tiny_.architecture + ".rope.freq_base", 10000.0f);
    if (tiny_.architecture == "gemma3") {
      count("attention.sliding_window", tiny_.window);
      count("attention.sliding_window_pattern", tiny_.window_pattern);
      set("gemma3.rope.freq_base", 1e6f);
    }
  }

  void vocabulary() {
    std::vector<std::string> texts;
    for (int byte = 0; byte < 256; ++byte) texts.push_back(byte_text(byte));
    texts.push_back(byte_text('a') + byte_text('b'));
    std::vector<int32_t> types(texts.size(), 1);
    if (tiny_.end_token) {
      texts.push_back("<|im_end|>");
      types.push_back(3);
    }
    while (texts.size() < static_cast<size_t>(tiny_.vocab)) {
      texts.push_back("[PAD" + std::to_string(texts.size()) + "]");
      types.push_back(1);
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const std::string_view merges[] = {"a b"};
    writer_.set_string("tokenizer.ggml.model", "gpt2");
    writer_.set_string("tokenizer.ggml.pre", "qwen2");
    writer_.set_strings("tokenizer.ggml.tokens", views);
    writer_.set_array<int32_t>("tokenizer.ggml.token_type", types);
    writer_.set_strings("tokenizer.ggml.merges", merges);
  }

  void tensors() {
    const int q = tiny_.heads * tiny_.head_dim, kv = tiny_.kv_heads * tiny_.head_dim;
    const bool qwen2 = tiny_.architecture == "qwen2", gemma3 = tiny_.architecture == "gemma3";
    matrix("token_embd.weight", tiny_.vocab, tiny_.width, 3.0f);
    norm("output_norm.weight", tiny_.width);
    if (!tiny_.tied) matrix("output.weight", tiny_.vocab, tiny_.width, 3.0f);
    for (int i = 0; i < tiny_.layers; ++i) {
      const std::string p = "blk." + std::to_string(i) + ".";
      norm(p + "attn_norm.weight", tiny_.width);
      linear(p + "attn_q", q, tiny_.width, qwen2);
      linear(p + "attn_k", kv, tiny_.width, qwen2);
      linear(p + "attn_v", kv, tiny_.width, qwen2);
      linear(p + "attn_output", tiny_.width, q, false);
      if (gemma3 || tiny_.architecture == "qwen3") {
        norm(p + "attn_q_norm.weight", tiny_.head_dim);
        norm(p + "attn_k_norm.weight", tiny_.head_dim);
      }
      if (gemma3) {
        norm(p + "post_attention_norm.weight", tiny_.width);
        norm(p + "post_ffw_norm.weight", tiny_.width);
      }
      norm(p + "ffn_norm.weight", tiny_.width);
      matrix(p + "ffn_gate.weight", tiny_.ffn_width, tiny_.width);
      matrix(p + "ffn_up.weight", tiny_.ffn_width, tiny_.width);
      linear(p + "ffn_down", tiny_.width, tiny_.ffn_width, false);
    }
  }

  std::vector<float> normal(size_t n, float mean, float deviation) {
    std::normal_distribution<float> distribution(mean, deviation);
    std::vector<float> values(n);
    for (float& value : values) value = distribution(random_);
    return values;
  }
  void norm(const std::string& name, int n) { add_floats(name, normal(size(n), 1.0f, 0.2f)); }
  void linear(const std::string& name, int rows, int cols, bool bias) {
    matrix(name + ".weight", rows, cols);
    if (bias || tiny_.biases.contains(name + ".bias"))
      add_floats(name + ".bias", normal(size(rows), 0.0f, 0.3f));
  }

  void matrix(const std::string& name, int rows, int cols, float gain = 1.5f) {
    auto values = normal(size(rows) * size(cols), 0.0f, gain / std::sqrt(static_cast<float>(cols)));
    if (tiny_.spoil) tiny_.spoil(name, values);
    const tensor::Type type = tiny_.types[next_type_++ % tiny_.types.size()];
    const tensor::Format& format = *tensor::find_format(type);
    std::vector<uint8_t> bytes(values.size() / size(format.block_cols) * size(format.block_bytes));
    for (size_t block = 0; block < values.size() / size(format.block_cols); ++block) {
      const float* from = values.data() + block * size(format.block_cols);
      uint8_t* to = bytes.data() + block * size(format.block_bytes);
      if (type == tensor::Type::kF32) {
        std::memcpy(to, from, sizeof(float));
      } else if (type == tensor::Type::kF16) {
        const uint16_t half = tensor::float_to_half(*from);
        std::memcpy(to, &half, sizeof half);
      } else if (type == tensor::Type::kBF16) {
        const auto bits = static_cast<uint16_t>(std::bit_cast<uint32_t>(*from) >> 16);
        std::memcpy(to, &bits, sizeof bits);
      } else {
        format.encode(from, to);
      }
    }
    add(name, type, {static_cast<uint64_t>(cols), static_cast<uint64_t>(rows)}, std::move(bytes));
  }
  void add_floats(const std::string& name, const std::vector<float>& values) {
    std::vector<uint8_t> bytes(values.size() * sizeof(float));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    add(name, tensor::Type::kF32, {values.size()}, std::move(bytes));
  }
  void add(const std::string& name, tensor::Type type, const std::vector<uint64_t>& shape,
           std::vector<uint8_t> bytes) {
    if (tiny_.without.contains(name)) return;
    data_.push_back(std::make_unique<std::vector<uint8_t>>(std::move(bytes)));
    const Status added = writer_.add_tensor(name, type, shape, *data_.back());
    ASSERT_TRUE(added.ok()) << added.error().message;
  }
  static size_t size(int n) { return static_cast<size_t>(n); }

  const TinyModel& tiny_;
  std::mt19937 random_;
  gguf::Writer writer_;
  std::vector<std::unique_ptr<std::vector<uint8_t>>> data_;
  size_t next_type_ = 0;
};

}  // namespace tiny

inline void TinyModel::write(const std::string& path) const { tiny::Builder(*this).write(path); }

inline std::shared_ptr<const gguf::File> TinyModel::open() const {
  static std::atomic<int> number = 0;
  const std::string path = testing::TempDir() + "tiny-" + std::to_string(::getpid()) + "-" +
                           std::to_string(number++) + ".gguf";
  write(path);
  auto file = gguf::File::open(path);
  std::remove(path.c_str());
  if (!file.ok()) {
    ADD_FAILURE() << file.error().message;
    return nullptr;
  }
  return std::make_shared<const gguf::File>(std::move(file).value());
}

}  // namespace handmill::model
