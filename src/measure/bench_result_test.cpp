// A bench's figures from samples of round numbers.
#include "measure/bench_result.h"

#include <gtest/gtest.h>

#include "backend/backend.h"
#include "measure/metrics.h"
#include "measure/speed_bench.h"

namespace handmill::measure {
namespace {

/// 10 tokens in `seconds`, a token of 0.9 GB of weights and 0.1 GB of keys and values, 3 + 1 GOP.
SpeedSample sample(double seconds, double read_gb_s, double int8_gop_s) {
  const uint64_t giga = 1'000'000'000;
  return {10, seconds, {9 * giga, giga, 30 * giga, 10 * giga}, {read_gb_s * 1e9, int8_gop_s * 1e9}};
}

BenchResult result(const std::vector<SpeedSample>& samples) {
  return result_of(speed_test(false, 10, 512, 1), samples);
}

TEST(BenchResult, APercentageIsTheMedianOfTheRepeatsOwnRatios) {
  // 10, 5 and 20 GB/s beneath 20, 20 and 25: 50, 25 and 80 %; the medians' ratio is 50 % of 20.
  const BenchResult r = result({sample(1, 20, 400), sample(2, 20, 400), sample(0.5, 25, 400)});
  ASSERT_NE(r.find("of_read_roof"), nullptr);
  EXPECT_EQ(r.find("of_read_roof")->runs, (std::vector<double>{0.5, 0.25, 0.8}));
  EXPECT_DOUBLE_EQ(*r.median("of_read_roof"), 0.5);
  EXPECT_DOUBLE_EQ(*result({sample(1, 20, 400), sample(0.5, 100, 400)}).median("of_read_roof"),
                   0.35);
  EXPECT_DOUBLE_EQ(*r.median("tok_s"), 10);
  EXPECT_DOUBLE_EQ(*r.median("of_int8_roof"), 0.1);
  EXPECT_EQ(r.repeats(), 3);
}

TEST(BenchResult, WorkIsCountedForEachToken) {
  const BenchResult r = result({sample(1, 20, 400), sample(2, 20, 400)});
  EXPECT_DOUBLE_EQ(r.work->bytes, 1e9);
  EXPECT_DOUBLE_EQ(r.work->kv_bytes, 1e8);
  EXPECT_DOUBLE_EQ(r.work->ops, 4e9);
  EXPECT_DOUBLE_EQ(r.work->attention_ops, 1e9);
}

TEST(BenchResult, TheNearerRoofBinds) {
  EXPECT_TRUE(result({sample(1, 20, 400)}).read_binds());
  EXPECT_FALSE(result({sample(1, 20, 50)}).read_binds());
}

TEST(BenchResult, WhatWasNotMeasuredIsNotThere) {
  BenchResult r;
  r.add("tg_tok_s", std::nullopt);
  EXPECT_EQ(r.find("tg_tok_s"), nullptr);
  EXPECT_FALSE(r.median("tg_tok_s").has_value());
  EXPECT_EQ(r.repeats(), 0);
}

TEST(BenchResult, EveryJudgedFigureMustBeKnownWell) {
  BenchResult r;
  r.test = {"chat", "chat", 128, 128, 0, 1};
  for (int i = 0; i < 6; ++i) {
    r.add("tg_tok_s", 50);
    r.add("ttft_s", i % 2 == 0 ? 1 : 1.5);
  }
  EXPECT_FALSE(is_enough(r, 0, {}));
  ASSERT_EQ(noise_of(r, 0.02).size(), 1u);
  EXPECT_EQ(noise_of(r, 0.02)[0], "chat: TTFT is known to ±20.0 % after 6 runs");
  r.series.pop_back();
  EXPECT_TRUE(is_enough(r, 0, {}));
  EXPECT_TRUE(noise_of(r, 0.02).empty());
  r.series[0].runs = {50, 90};
  EXPECT_TRUE(noise_of(r, 0.02).empty());
  r.series[0].runs = {50, 51, 52, 53, 54, 55, 56};
  ASSERT_EQ(noise_of(r, 0.2).size(), 0u);
  ASSERT_EQ(noise_of(r, 0.02).size(), 2u);
  EXPECT_EQ(noise_of(r, 0.02)[1], "chat: TG drifts by +1.9 % a run");
}

TEST(BenchResult, PositionsAreThoseOfAllSequences) {
  const BenchTest test = speed_test(true, 100, 1000, 4);
  EXPECT_EQ(test.name, "pp100");
  EXPECT_GE(test.positions_needed(), 4 * 1100);
  EXPECT_LE(test.positions_needed(), 4 * (1100 + 2 * backend::kKvBlock));
  EXPECT_EQ(speed_test(false, 100, 1000, 4).positions_needed(), test.positions_needed());
  EXPECT_EQ(title_of(test), "pp100, depth 1000, batch 4");
  EXPECT_EQ(title_of({"batches", "batch 4", 1, 1, 0, 4}), "batch 4");
}

TEST(Metrics, HaveOneNameEach) {
  for (const Metric& one : metrics()) {
    EXPECT_EQ(&metric(one.name), &one);
    EXPECT_FALSE(one.definition.empty());
  }
}

}  // namespace
}  // namespace handmill::measure
