// Holds half.h against the compiler's own _Float16: every half, and floats at every kind of tie.
#include "tensor/half.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <random>

namespace handmill::tensor {
namespace {

__extension__ using Half = _Float16;

uint16_t reference_half(float f) { return std::bit_cast<uint16_t>(static_cast<Half>(f)); }

void expect_same_half(float f) {
  const uint16_t ours = float_to_half(f);
  if (std::isnan(f)) {
    EXPECT_TRUE(std::isnan(half_to_float(ours))) << f;
    EXPECT_EQ(ours >> 15, std::bit_cast<uint32_t>(f) >> 31);
  } else {
    EXPECT_EQ(ours, reference_half(f)) << std::hexfloat << f;
  }
}

TEST(Half, EveryHalfBecomesItsFloat) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const float ours = half_to_float(static_cast<uint16_t>(h));
    const float reference = std::bit_cast<Half>(static_cast<uint16_t>(h));
    if (std::isnan(reference)) {
      ASSERT_TRUE(std::isnan(ours)) << h;
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(ours), std::bit_cast<uint32_t>(reference)) << h;
    }
  }
}

TEST(Half, EveryHalfComesBack) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const float f = half_to_float(static_cast<uint16_t>(h));
    if (std::isnan(f)) continue;
    ASSERT_EQ(float_to_half(f), h);
  }
}

TEST(Half, TiesAndTheirNeighboursRoundToEven) {
  for (uint32_t h = 0; h < 0x7c00; ++h) {
    const float low = half_to_float(static_cast<uint16_t>(h));
    const float high = h + 1 < 0x7c00 ? half_to_float(static_cast<uint16_t>(h + 1)) : 65536.0f;
    const float tie = low + (high - low) / 2;
    for (const float f : {tie, std::nextafterf(tie, 0.0f), std::nextafterf(tie, INFINITY)}) {
      expect_same_half(f);
      expect_same_half(-f);
    }
  }
}

TEST(Half, RandomFloatsOfEveryMagnitude) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) expect_same_half(std::bit_cast<float>(uint32_t(random())));
}

TEST(Half, SpecialFloats) {
  for (const float f : {0.0f, 0x1p-149f, 0x1p-126f, 0x1p-25f, 0x1.000002p-25f, 65504.0f, 65519.996f,
                        65520.0f, 3.4028235e38f, INFINITY, NAN}) {
    expect_same_half(f);
    expect_same_half(-f);
  }
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(std::bit_cast<float>(0x7f800001u)))));
}

TEST(Bfloat, IsTheUpperHalfOfAFloat) {
  for (uint32_t b = 0; b < 65536; ++b) {
    ASSERT_EQ(std::bit_cast<uint32_t>(bfloat_to_float(static_cast<uint16_t>(b))), b << 16);
  }
}

}  // namespace
}  // namespace handmill::tensor
