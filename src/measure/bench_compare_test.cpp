#include "measure/bench_compare.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

BenchResult result_of(const std::string& metric, std::vector<double> runs, int depth = 0) {
  BenchResult result;
  result.test = speed_test(false, 128, depth, 1);
  result.model = "m";
  result.kv = "f16";
  for (const double run : runs) result.add(metric, run);
  return result;
}

BenchRecord record_of(std::vector<BenchResult> results) {
  BenchRecord record;
  record.environment.cpu = "a cpu";
  record.results = std::move(results);
  return record;
}

const std::vector<double> kRuns = {100, 101, 99, 100, 102, 98};
std::vector<double> times(std::vector<double> runs, double factor) {
  for (double& run : runs) run *= factor;
  return runs;
}

TEST(BenchCompare, AClearLossIsWorseAndASmallOneIsNone) {
  for (const auto& [factor, trend] :
       {std::pair(0.8, Trend::kWorse), {1.2, Trend::kBetter}, {0.97, Trend::kNone}}) {
    const auto got = compare(record_of({result_of("tok_s", kRuns)}),
                             record_of({result_of("tok_s", times(kRuns, factor))}), {});
    ASSERT_TRUE(got.ok()) << got.error().message;
    ASSERT_EQ(got->figures.size(), 1u);
    const ComparedFigure& figure = got->figures[0];
    EXPECT_EQ(figure.trend, trend) << factor;
    EXPECT_EQ(got->is_worse(), trend == Trend::kWorse);
    EXPECT_NEAR(figure.after / figure.before, factor, 1e-9);
    EXPECT_LE(figure.ratio.low, factor);
    EXPECT_GE(figure.ratio.high, factor);
    EXPECT_NEAR(got->median_gain, factor, 1e-9);
  }
}

TEST(BenchCompare, LessTimeIsBetter) {
  const auto got = compare(record_of({result_of("ttft_s", kRuns)}),
                           record_of({result_of("ttft_s", times(kRuns, 0.5))}), {});
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->figures[0].trend, Trend::kBetter);
  EXPECT_NEAR(got->median_gain, 2, 1e-9);
}

TEST(BenchCompare, WhatChanceMakesIsNone) {
  const std::vector<double> wide = {50, 150, 80, 120, 100, 60}, other = {45, 140, 85, 110, 70, 55};
  const auto got =
      compare(record_of({result_of("tok_s", wide)}), record_of({result_of("tok_s", other)}), {});
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->figures[0].trend, Trend::kNone);
  EXPECT_FALSE(got->figures[0].few);
  const auto few = compare(record_of({result_of("tok_s", {1, 2})}),
                           record_of({result_of("tok_s", {10, 20})}), {});
  EXPECT_TRUE(few->figures[0].few);
  EXPECT_EQ(few->figures[0].trend, Trend::kNone);
}

TEST(BenchCompare, UnlikeRecordsAreRefusedByWhatDiffers) {
  BenchRecord before = record_of({result_of("tok_s", kRuns)}), after = before;
  after.environment.cpu = "another";
  after.environment.speculate = "auto";
  const auto got = compare(before, after, {});
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.error().message.find("processor: \"a cpu\" and \"another\""), std::string::npos);
  EXPECT_NE(got.error().message.find("speculation"), std::string::npos);
  const auto allowed = compare(before, after, {.unlike = true});
  ASSERT_TRUE(allowed.ok());
  EXPECT_EQ(allowed->differences.size(), 2u);
}

TEST(BenchCompare, TestsThatOneLacksAreNamed) {
  const auto got =
      compare(record_of({result_of("tok_s", kRuns), result_of("tok_s", kRuns, 512)}),
              record_of({result_of("tok_s", kRuns), result_of("tok_s", kRuns, 64)}), {});
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->figures.size(), 1u);
  EXPECT_EQ(got->alone.size(), 2u);
  EXPECT_FALSE(compare(record_of({result_of("tok_s", kRuns)}),
                       record_of({result_of("tok_s", kRuns, 64)}), {})
                   .ok());
}

}  // namespace
}  // namespace handmill::measure
