// Attention through the backend: against plain double arithmetic, and the same bits however a
// prompt is cut, however many threads and sequences there are, and on every instruction set.
#include <gtest/gtest.h>
#include <limits>

#include "backend/cpu/cpu_backend.h"
#include "backend/test_attention.h"

namespace handmill::backend {
namespace {

using test::Case;

class AttendTest : public testing::TestWithParam<Case> {};

TEST_P(AttendTest, AgreesWithDoubleArithmetic) {
  const Case c = GetParam();
  const test::Inputs in(c);
  const auto expected = test::reference(c, in);
  CpuBackend backend(*runnable_kernels().back(), 2);
  const auto got = test::run(c, in, backend, c.positions, 1);
  // Half precision keeps 11 bits of a key or value; int8 about 7.
  EXPECT_LT(test::nmse(got, expected), c.type == KvType::kF16 ? 5e-7 : 3e-4);
}

TEST_P(AttendTest, IsTheSameBitsHoweverItIsCutAndShared) {
  const Case c = GetParam();
  const test::Inputs in(c);
  CpuBackend scalar(scalar_kernels(), 1);
  const auto expected = test::run(c, in, scalar, c.positions, 1);
  for (const Kernels* kernels : runnable_kernels())
    for (const auto& [threads, chunk, copies] :
         {std::array{1, 512, 1}, {2, 64, 1}, {3, 7, 2}, {2, 1, 1}, {4, 130, 3}}) {
      if (chunk == 1 && c.positions > 300 && kernels->isa == probe::Isa::kScalar)
        continue;  // covered by the rest
      CpuBackend backend(*kernels, threads);
      const auto got = test::run(c, in, backend, chunk, copies);
      ASSERT_EQ(0, std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)))
          << kernels->name << ", " << threads << " threads, chunks of " << chunk << ", " << copies
          << " sequences";
    }
}

TEST(Attend, WhatAQueryDoesNotSeeCannotSpoilIt) {
  constexpr int kDim = 32, kQueries = 4;
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const Kernels* kernels : runnable_kernels()) {
    for (const KvType type : {KvType::kF16, KvType::kQ8_0}) {
      std::vector<uint8_t> block(kv_head_bytes(type, kDim));
      std::vector<float> seen(kDim, 0.5f), later(kDim, kInf), q(kQueries * kDim, 0.25f);
      later[1] = -kInf;
      later[2] = std::nanf("");
      kernels->store_kv(block.data(), type, kDim, 0, seen.data(), seen.data());
      kernels->store_kv(block.data(), type, kDim, 1, later.data(), later.data());
      std::vector<int8_t> codes(kQueries * kDim);
      std::vector<float> scales(2 * kQueries);
      std::vector<int32_t> sums16(2 * kQueries);
      const CodeRows q_codes{codes.data(), scales.data(), scales.data() + kQueries, sums16.data(),
                             kDim};
      for (size_t r = 0; r < kQueries; ++r)
        kernels->quantize(q.data() + r * kDim, kDim, q_codes.at(r));
      const std::vector<int> begin(kQueries, 0), end = {1, 2, 2, 2};
      std::vector<float> maximum(kQueries, -kInf), sum(kQueries), values(kQueries * kDim),
          scratch(kTileQueries * kKvBlock);
      kernels->attend({block.data(), nullptr, type, kDim, false, kQueries, q.data(), q_codes,
                       begin.data(), end.data(), maximum.data(), sum.data(), values.data(),
                       scratch.data()});
      EXPECT_EQ(sum[0], 1.0f) << kernels->name;
      for (size_t d = 0; d < kDim; ++d) EXPECT_NEAR(values[d], 0.5f, 1e-3f) << kernels->name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttendTest, testing::ValuesIn(test::kCases));

}  // namespace
}  // namespace handmill::backend
