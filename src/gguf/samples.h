// Small valid GGUF files from our own writer: what the tests damage on purpose, and the seeds that
// the fuzzer starts from. Between them they hold every value type, every tensor type, both versions
// and several alignments.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/writer.h"

namespace handmill::gguf {

struct Sample {
  std::string name;
  std::vector<uint8_t> bytes;
};

/// Bytes 1, 2, 3 …: no two tensors of a sample hold the same.
inline std::vector<uint8_t> pattern(size_t size, uint8_t first = 1) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i);
  return bytes;
}

/// The samples are ours: one that the writer refuses is our mistake.
inline void must(const Status& status) {
  if (!status.ok()) std::abort();
}

/// A key for every value type, alone and as an array, with values at the ends of their ranges.
inline void set_all_values(Writer& w) {
  w.set<uint8_t>("u8", 255);
  w.set<int8_t>("i8", -128);
  w.set<uint16_t>("u16", 65535);
  w.set<int16_t>("i16", -32768);
  w.set<uint32_t>("u32", UINT32_MAX);
  w.set<int32_t>("i32", INT32_MIN);
  w.set<uint64_t>("u64", UINT64_MAX);
  w.set<int64_t>("i64", INT64_MIN);
  w.set<float>("f32", 0.1f);
  w.set<double>("f64", 0.1);
  w.set("bool", true);
  w.set_string("string", "mill\n\xff");
  w.set_array<uint8_t>("u8s", std::array<uint8_t, 3>{0, 7, 255});
  w.set_array<int8_t>("i8s", std::array<int8_t, 2>{-128, 127});
  w.set_array<uint16_t>("u16s", std::array<uint16_t, 1>{65535});
  w.set_array<int16_t>("i16s", std::array<int16_t, 2>{-1, 1});
  w.set_array<uint32_t>("u32s", std::array<uint32_t, 2>{0, UINT32_MAX});
  w.set_array<int32_t>("i32s", std::array<int32_t, 2>{INT32_MIN, INT32_MAX});
  w.set_array<uint64_t>("u64s", std::array<uint64_t, 2>{1, INT64_MAX});
  w.set_array<int64_t>("i64s", std::array<int64_t, 2>{INT64_MIN, INT64_MAX});
  w.set_array<float>("f32s", std::array<float, 3>{0.5f, -INFINITY, 0.1f});
  w.set_array<double>("f64s", std::array<double, 2>{0.25, -1.0});
  w.set_array<bool>("bools", std::array<bool, 3>{true, false, true});
  w.set_strings("strings", std::array<std::string_view, 3>{"", "a", "a longer piece"});
  w.set_array<float>("none", {});
  w.set_strings("no strings", {});
}

/// Every kind of field that a file can have, in some 1,200 bytes. The last tensor's data ends short
/// of the alignment, so the file ends in padding.
inline Sample full_sample() {
  Writer w(3, 64);
  set_all_values(w);
  const auto a = pattern(128), b = pattern(18, 50), c = pattern(12, 99);
  must(w.add_tensor("a", tensor::Type::kF32, std::array<uint64_t, 2>{8, 4}, a));
  must(w.add_tensor("b", tensor::Type::kQ4_0, std::array<uint64_t, 1>{32}, b));
  must(w.add_tensor("c", tensor::Type::kF16, std::array<uint64_t, 4>{1, 2, 3, 1}, c));
  return {"full", w.bytes()};
}

inline Sample formats_sample() {
  Writer w;
  std::vector<std::vector<uint8_t>> data;
  data.reserve(tensor::formats().size());
  for (const tensor::Format& format : tensor::formats()) {
    data.push_back(pattern(static_cast<size_t>(format.block_bytes) * 6,
                           static_cast<uint8_t>(data.size() * 11)));
    const auto cols = static_cast<uint64_t>(format.block_cols);
    must(w.add_tensor(format.name, format.type, std::array<uint64_t, 3>{2 * cols, 1, 3},
                      data.back()));
  }
  return {"formats", w.bytes()};
}

/// One part of a split file with one tensor named t0, t1, …
inline Sample part_sample(uint16_t number, uint16_t count, int32_t n_tensors) {
  Writer w;
  if (number == 0) w.set_string("general.architecture", "llama");
  w.set("split.no", number);
  w.set("split.count", count);
  w.set("split.tensors.count", n_tensors);
  const auto data = pattern(16, static_cast<uint8_t>(number * 16));
  must(w.add_tensor("t" + std::to_string(number), tensor::Type::kF32, std::array<uint64_t, 1>{4},
                    data));
  return {"part" + std::to_string(number), w.bytes()};
}

inline std::vector<Sample> samples() {
  std::vector<Sample> all = {full_sample(), formats_sample(), {"empty", Writer().bytes()}};
  Writer v2(2);
  v2.set_string("general.architecture", "llama");
  v2.set<uint32_t>("llama.block_count", 1);
  const auto data = pattern(34);
  must(
      v2.add_tensor("blk.0.attn_q.weight", tensor::Type::kQ8_0, std::array<uint64_t, 1>{32}, data));
  all.push_back({"v2", v2.bytes()});
  Writer vocabulary(3, 8);
  vocabulary.set_strings("tokenizer.ggml.tokens",
                         std::array<std::string_view, 4>{"<s>", "</s>", "\xc4\xa0the", "the"});
  vocabulary.set_array<float>("tokenizer.ggml.scores", std::array<float, 4>{0, 0, -1, -2});
  vocabulary.set_array<int32_t>("tokenizer.ggml.token_type", std::array<int32_t, 4>{3, 3, 1, 1});
  all.push_back({"vocabulary", vocabulary.bytes()});
  all.push_back(part_sample(0, 1, 1));  // a split file of one part is a whole file
  return all;
}

}  // namespace handmill::gguf
