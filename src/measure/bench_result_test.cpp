// A bench's figures from samples of round numbers.
#include "measure/bench_result.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

/// 10 tokens in `seconds`, a token of 0.9 GB of weights and 0.1 GB of keys and values, 3 + 1 GOP.
BenchSample sample(double seconds, double read_gb_s, double int8_gop_s) {
  const uint64_t giga = 1'000'000'000;
  return {10, seconds, {9 * giga, giga, 30 * giga, 10 * giga}, {read_gb_s * 1e9, int8_gop_s * 1e9}};
}

BenchResult result(std::vector<BenchSample> samples) {
  BenchResult out;
  out.test = {false, 10, 512, 1};
  out.samples = std::move(samples);
  return out;
}

TEST(BenchResult, ASpreadIsMedianAndEnds) {
  const Spread odd = spread_around_median({3, 1, 10});
  EXPECT_EQ(odd.median, 3);
  EXPECT_EQ(odd.low, 1);
  EXPECT_EQ(odd.high, 10);
  EXPECT_EQ(spread_around_median({4, 2}).median, 3);
}

TEST(BenchResult, APercentageIsTheMedianOfTheRepeatsOwnRatios) {
  // 10, 5 and 20 GB/s beneath 20, 20 and 25: 50, 25 and 80 %; the medians' ratio is 50 % of 20.
  const BenchResult r = result({sample(1, 20, 400), sample(2, 20, 400), sample(0.5, 25, 400)});
  const Spread part = r.spread(&BenchSample::of_read_roof);
  EXPECT_DOUBLE_EQ(part.low, 0.25);
  EXPECT_DOUBLE_EQ(part.median, 0.5);
  EXPECT_DOUBLE_EQ(part.high, 0.8);
  EXPECT_DOUBLE_EQ(
      result({sample(1, 20, 400), sample(0.5, 100, 400)}).spread(&BenchSample::of_read_roof).median,
      0.35);
  EXPECT_DOUBLE_EQ(r.spread(&BenchSample::tok_s).median, 10);
  EXPECT_DOUBLE_EQ(r.spread(&BenchSample::of_int8_roof).median, 0.1);
}

}  // namespace
}  // namespace handmill::measure
