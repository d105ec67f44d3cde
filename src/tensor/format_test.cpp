// The type table's own consistency, what a decoded Block promises, and the encoders' errors. The
// decoders' bits are held against the `gguf` package in tests/python/test_formats.py.
#include "tensor/format.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <set>
#include <vector>

#include "tensor/half.h"

namespace handmill::tensor {
namespace {

std::vector<uint8_t> random_bytes(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(n);
  for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

TEST(Formats, AreFoundByTypeAndByName) {
  std::set<uint32_t> numbers;
  for (const Format& format : formats()) {
    EXPECT_EQ(find_format(format.type), &format);
    EXPECT_EQ(find_format(format.name), &format);
    EXPECT_EQ(type_name(static_cast<uint32_t>(format.type)), format.name);
    EXPECT_TRUE(numbers.insert(static_cast<uint32_t>(format.type)).second);
  }
  EXPECT_EQ(formats().size(), 16u);
  EXPECT_EQ(find_format(static_cast<Type>(16)), nullptr);
  EXPECT_EQ(find_format("Q4_K"), nullptr);
}

TEST(Formats, NameTypesThatHandmillLacks) {
  EXPECT_EQ(type_name(9), "q8_1");
  EXPECT_EQ(type_name(16), "iq2_xxs");
  EXPECT_EQ(type_name(29), "iq1_m");
  EXPECT_EQ(type_name(35), "tq2_0");
  EXPECT_EQ(type_name(40), "nvfp4");
  EXPECT_EQ(type_name(42), "");
  EXPECT_EQ(type_name(std::numeric_limits<uint32_t>::max()), "");
}

TEST(Formats, FitTheLimitsThatKernelsRelyOn) {
  for (const Format& format : formats()) {
    if (!format.decode) {
      EXPECT_EQ(format.block_bytes * 8, format.code_bits) << format.name;
      continue;
    }
    EXPECT_LE(format.block_cols, kMaxBlock) << format.name;
    EXPECT_EQ(format.block_cols % format.group_cols, 0) << format.name;
    EXPECT_LE(format.block_cols / format.group_cols, kMaxGroups) << format.name;
    if (format.table) {
      EXPECT_EQ(format.code_bits, 4) << format.name;
      EXPECT_EQ(format.code_offset, 0) << format.name;
    }
  }
}

TEST(Formats, DecodedBlocksKeepTheirPromises) {
  for (const Format& format : formats()) {
    if (!format.decode) continue;
    for (uint32_t seed = 0; seed < 64; ++seed) {
      const auto bytes =
          random_bytes(format.block_bytes, seed);  // exact size: ASan sees an overrun
      Block block;
      format.decode(bytes.data(), block);
      for (int c = 0; c < format.block_cols; ++c) {
        ASSERT_LT(block.codes[c], 1 << format.code_bits) << format.name;
      }
      for (int g = 0; g < format.block_cols / format.group_cols; ++g) {
        ASSERT_LE(block.mins[g], 63) << format.name;
        ASSERT_TRUE(format.has_sub_scales || block.scales[g] == 1) << format.name;
        ASSERT_TRUE(format.has_mins || block.mins[g] == 0) << format.name;
      }
      ASSERT_TRUE(format.has_mins || block.dmin == 0) << format.name;
    }
  }
}

TEST(Dequantize, FloatsFromUnalignedRows) {
  const float values[] = {0.0f, -1.5f, 0.0078125f, 96.0f};
  std::vector<uint8_t> f32(1 + sizeof values), f16(1), bf16(1);
  std::memcpy(&f32[1], values, sizeof values);
  for (const float value : values) {
    for (auto* row : {&f16, &bf16}) {
      const uint16_t bits = row == &f16
                                ? float_to_half(value)
                                : static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
      row->push_back(static_cast<uint8_t>(bits));
      row->push_back(static_cast<uint8_t>(bits >> 8));
    }
  }
  float out[4];
  for (const auto& [type, row] :
       {std::pair{Type::kF32, &f32}, {Type::kF16, &f16}, {Type::kBF16, &bf16}}) {
    dequantize_row(*find_format(type), row->data() + 1, 4, out);
    EXPECT_EQ(std::memcmp(out, values, sizeof values), 0) << find_format(type)->name;
  }
}

TEST(Dequantize, WritesEveryColumnOfEveryBlock) {
  for (const Format& format : formats()) {
    if (!format.decode) continue;
    const size_t cols = 3 * static_cast<size_t>(format.block_cols);
    const std::vector<uint8_t> row(3 * static_cast<size_t>(format.block_bytes));  // all zero: d = 0
    std::vector<float> out(cols + 1, 7.0f);
    dequantize_row(format, row.data(), cols, out.data());
    for (size_t c = 0; c < cols; ++c) {
      ASSERT_NEAR(out[c], 0.0f, 1e-37f) << format.name;  // mxfp4 has no zero scale
    }
    EXPECT_EQ(out[cols], 7.0f) << format.name;
  }
}

/// Largest error of one block, in steps of the block's exact scale.
double round_trip_error(const Format& format, const float (&values)[32], double step) {
  std::vector<uint8_t> block(format.block_bytes);
  format.encode(values, block.data());
  float back[32];
  dequantize_row(format, block.data(), 32, back);
  double worst = 0;
  for (int c = 0; c < 32; ++c)
    worst = std::max(worst, std::fabs(double(values[c]) - back[c]) / step);
  return worst;
}

TEST(Encode, ErrorIsHalfAStep) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 500; ++round) {
    float values[32];
    for (auto& value : values) value = normal(random);
    const auto [low, high] = std::minmax_element(values, values + 32);
    const double range = *high - *low, largest = std::max(-*low, *high);
    // Half a step, and what rounding d and m to f16 (2^-11 each) adds at the outermost code. A
    // symmetric format has no code for +offset, so the opposite extreme may miss by a whole step.
    const double f16 = 0x1p-11;
    EXPECT_LE(round_trip_error(*find_format("q8_0"), values, largest / 127), 0.5 + 128 * f16);
    EXPECT_LE(round_trip_error(*find_format("q4_0"), values, largest / 8), 1 + 9 * f16);
    EXPECT_LE(round_trip_error(*find_format("q5_0"), values, largest / 16), 1 + 17 * f16);
    const double offset = largest / range * f16;
    EXPECT_LE(round_trip_error(*find_format("q4_1"), values, range / 15),
              0.5 + 15 * (f16 + offset) + f16);
    EXPECT_LE(round_trip_error(*find_format("q5_1"), values, range / 31),
              0.5 + 31 * (f16 + offset) + f16);
  }
}

TEST(Encode, EncodedBlocksDecodeToThemselves) {
  for (const Format& format : formats()) {
    if (!format.encode) continue;
    const float zeros[32] = {};
    EXPECT_EQ(round_trip_error(format, zeros, 1), 0.0) << format.name;
    float ramp[32];  // spans the codes' range exactly, with d = 1
    const int low = format.name == "q8_0" ? -127 : -format.code_offset;
    const int top = format.name == "q8_0" ? 127 : (1 << format.code_bits) - 1 - format.code_offset;
    for (int c = 0; c < 32; ++c) ramp[c] = static_cast<float>(low + c * (top - low) / 31);
    EXPECT_EQ(round_trip_error(format, ramp, 1), 0.0) << format.name;
  }
}

TEST(Encode, IsDefinedOnEveryFloat) {
  const float strange[] = {INFINITY,   -INFINITY, NAN,      0x1p-149f,
                           -0x1p-140f, 3.4e38f,   -3.4e38f, -0.0f};
  for (const Format& format : formats()) {
    if (!format.encode) continue;
    for (uint32_t mask = 1; mask < 256; ++mask) {
      float values[32] = {};
      for (int c = 0; c < 32; ++c) {
        if (mask >> (c % 8) & 1) values[c] = strange[c % 8];
      }
      std::vector<uint8_t> block(format.block_bytes);
      format.encode(values, block.data());  // UBSan: no conversion out of range
      Block decoded;
      format.decode(block.data(), decoded);
      for (int c = 0; c < 32; ++c) ASSERT_LT(decoded.codes[c], 1 << format.code_bits);
    }
  }
}

}  // namespace
}  // namespace handmill::tensor
