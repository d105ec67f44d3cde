// Random inputs that the tests of the CPU backend share.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "backend/cpu/kernels/kernels.h"
#include "backend/panel.h"
#include "tensor/format.h"
#include "tensor/half.h"

namespace handmill::backend::test {

inline std::vector<float> random_floats(size_t n, uint32_t seed, float spread = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, spread);
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

/// Rows of a format with random codes and scales. The half-precision fields of every block are
/// small and finite; `extreme` sets every code to its
/// largest or smallest, in some blocks all alike.
inline std::vector<uint8_t> random_rows(const tensor::Format& format, size_t rows, size_t cols,
                                        uint32_t seed, bool extreme = false) {
  std::mt19937 random(seed);
  const size_t blocks = rows * cols / static_cast<size_t>(format.block_cols);
  const auto bytes = static_cast<size_t>(format.block_bytes);
  std::vector<uint8_t> data(blocks * bytes);
  std::normal_distribution<float> normal;
  if (format.group_cols == 0) {
    for (size_t i = 0; i < blocks; ++i) {
      const float value = normal(random);
      const uint16_t half = format.type == tensor::Type::kF16
                                ? tensor::float_to_half(value)
                                : static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
      std::memcpy(data.data() + i * bytes,
                  format.type == tensor::Type::kF32 ? static_cast<const void*>(&value) : &half,
                  bytes);
    }
    return data;
  }
  for (size_t i = 0, kind = 0; i < data.size(); ++i) {
    if (i % bytes == 0) kind = random() % 3;
    if (!extreme) {
      data[i] = static_cast<uint8_t>(random());
    } else if (kind == 2) {
      data[i] = random() % 2 != 0 ? 0xff : 0;
    } else {
      data[i] = kind != 0 ? 0xff : 0;
    }
  }
  // Where the halves of a block lie.
  std::vector<size_t> halves{0};
  switch (format.type) {
    case tensor::Type::kQ4_1:
    case tensor::Type::kQ5_1:
    case tensor::Type::kQ4_K:
    case tensor::Type::kQ5_K: halves = {0, 2}; break;
    case tensor::Type::kQ2_K: halves = {80, 82}; break;
    case tensor::Type::kQ3_K: halves = {108}; break;
    case tensor::Type::kQ6_K: halves = {208}; break;
    default: break;
  }
  for (size_t block = 0; block < blocks; ++block) {
    uint8_t* at = data.data() + block * bytes;
    if (format.type == tensor::Type::kMXFP4) {
      at[0] = static_cast<uint8_t>(110 + random() % 20);
      continue;
    }
    for (const size_t offset : halves) {
      const uint16_t half = tensor::float_to_half(normal(random) * 0.01f);
      std::memcpy(at + offset, &half, 2);
    }
  }
  return data;
}

/// Quantized activations that own their memory.
struct OwnedRows {
  std::vector<int8_t> codes;
  std::vector<float> scales, sums;
  std::vector<int32_t> sums16;
  CodeRows rows{};

  OwnedRows(const Kernels& kernels, const std::vector<float>& x, size_t n, size_t cols) {
    const size_t padded = (cols + kPairCols - 1) / kPairCols * kPairCols;
    codes.resize(n * padded);
    scales.resize(n * padded / 32);
    sums.resize(n * padded / 32);
    sums16.resize(n * padded / 16);
    rows = {codes.data(), scales.data(), sums.data(), sums16.data(), padded};
    for (size_t i = 0; i < n; ++i) kernels.quantize(x.data() + i * cols, cols, rows.at(i));
  }
};

}  // namespace handmill::backend::test
