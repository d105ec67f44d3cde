// Benches whose difference is known.
#include "measure/compare.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

using Values = std::vector<double>;

BenchResult result(std::string scenario, std::string name, const std::string& metric, Values runs) {
  BenchResult out;
  out.test = {std::move(scenario), std::move(name), 128, 128, 0, 1};
  out.threads = 2;
  out.model = "m";
  out.kv = "f16";
  out.series = {{metric, std::move(runs)}};
  return out;
}

BenchRecord record(std::vector<BenchResult> results) {
  BenchRecord out;
  out.environment.cpu = "A";
  out.environment.isa = "avx2";
  out.environment.model_bytes = 100;
  out.results = std::move(results);
  return out;
}

const Values kHundred = {99, 100, 101, 100.5, 99.5, 100};
Values times(double factor) {
  Values out = kHundred;
  for (double& value : out) value *= factor;
  return out;
}

Trend trend_of(const std::string& metric, double factor, const CompareOptions& options = {}) {
  const auto done = compare(record({result("chat", "chat", metric, kHundred)}),
                            record({result("chat", "chat", metric, times(factor))}), options);
  if (!done.ok() || done->rows.size() != 1) return Trend::kTooFewRuns;
  EXPECT_NEAR(done->rows[0].ratio, factor, 1e-9);
  EXPECT_LE(done->rows[0].interval.low, done->rows[0].ratio);
  EXPECT_GE(done->rows[0].interval.high, done->rows[0].ratio);
  EXPECT_EQ(done->is_worse(), done->rows[0].trend == Trend::kWorse);
  return done->rows[0].trend;
}

TEST(Compare, AChangeIsBeyondTheThresholdAndNoChance) {
  EXPECT_EQ(trend_of("tg_tok_s", 0.9), Trend::kWorse);
  EXPECT_EQ(trend_of("tg_tok_s", 1.1), Trend::kBetter);
  EXPECT_EQ(trend_of("tg_tok_s", 0.97), Trend::kNone);
  EXPECT_EQ(trend_of("tg_tok_s", 1), Trend::kNone);
  EXPECT_EQ(trend_of("tg_tok_s", 0.97, {.threshold = 0.02}), Trend::kWorse);
  EXPECT_EQ(trend_of("tg_tok_s", 0.9, {.p_max = 0.001}), Trend::kTooFewRuns);  // least: 2 / 924
}

TEST(Compare, OfATimeMoreIsWorse) {
  EXPECT_EQ(trend_of("ttft_s", 1.1), Trend::kWorse);
  EXPECT_EQ(trend_of("ttft_s", 0.9), Trend::kBetter);
}

TEST(Compare, WhatMayBeChanceIsNoChange) {
  const auto done =
      compare(record({result("speed", "tg1", "tok_s", {100, 60, 140, 90, 110, 100})}),
              record({result("speed", "tg1", "tok_s", {90, 55, 130, 85, 100, 80})}), {});
  ASSERT_TRUE(done.ok());
  EXPECT_LT(done->rows[0].ratio, 0.95);
  EXPECT_EQ(done->rows[0].trend, Trend::kNone);
}

TEST(Compare, ThreeRunsCannotTell) {
  const auto done = compare(record({result("speed", "tg1", "tok_s", {100, 101, 102})}),
                            record({result("speed", "tg1", "tok_s", {50, 51, 52})}), {});
  EXPECT_EQ(done->rows[0].trend, Trend::kTooFewRuns);
  EXPECT_FALSE(done->is_worse());
}

TEST(Compare, UnlikeBenchesAreRefusedByName) {
  const BenchRecord a = record({result("chat", "chat", "tg_tok_s", kHundred)});
  BenchRecord b = a;
  b.results[0].threads = 4;
  b.results[0].kv = "q8_0";
  b.environment.isa = "scalar";
  b.environment.model_bytes = 200;
  const auto refused = compare(a, b, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "these benches differ in more than what they measured (bytes of the model: \"100\" and "
            "\"200\"; kv: \"f16\" and \"q8_0\"; threads: \"2\" and \"4\"; instruction set: "
            "\"avx2\" and \"scalar\"); --unlike compares them all the same");
  const auto allowed = compare(a, b, {.unlike = true});
  ASSERT_TRUE(allowed.ok());
  EXPECT_EQ(allowed->unlike.size(), 4u);
  EXPECT_EQ(allowed->rows.size(), 1u);
  b = a;
  b.environment.version = "2";  // which is what one compares
  EXPECT_TRUE(compare(a, b, {}).ok());
}

TEST(Compare, PairsTheSameTestsAndNamesTheOthers) {
  const BenchRecord a = record({result("turns", "turn 1", "tg_tok_s", kHundred),
                                result("chat", "chat", "tg_tok_s", kHundred)});
  const BenchRecord b = record({result("chat", "chat", "tg_tok_s", kHundred),
                                result("chat", "other", "tg_tok_s", kHundred)});
  const auto done = compare(a, b, {});
  ASSERT_EQ(done->rows.size(), 1u);
  EXPECT_EQ(done->rows[0].test.name, "chat");
  EXPECT_EQ(done->notes, (std::vector<std::string>{"only the first has \"turn 1\"",
                                                   "only the second has \"other\""}));
  EXPECT_EQ(compare(a, record({result("x", "y", "tg_tok_s", kHundred)}), {}).error().message,
            "these benches have no test in common");
  BenchRecord twice = a;
  twice.results.push_back(a.results[0]);
  EXPECT_FALSE(compare(twice, b, {}).ok());
}

TEST(Compare, AMachineThatWasSlowerIsNotAWorseProgram) {
  const auto speed = [](double machine) {
    BenchResult out = result("speed", "tg1", "tok_s", times(machine));
    out.work.emplace();
    out.series.push_back({"of_read_roof", times(0.007)});
    out.series.push_back({"read_bytes_s", times(machine)});
    return out;
  };
  const BenchRecord a = record({speed(1)}), b = record({speed(0.8)});
  const auto done = compare(a, b, {});
  EXPECT_TRUE(done->is_worse());
  ASSERT_EQ(done->notes.size(), 1u);
  EXPECT_NE(done->notes[0].find("read memory 20 % slower"), std::string::npos);
  const auto parts = compare(a, b, {.of_roof = true});
  ASSERT_EQ(parts->rows.size(), 1u);
  EXPECT_EQ(parts->rows[0].figure, "of_read_roof");
  EXPECT_FALSE(parts->is_worse());
}

TEST(Compare, AllTogetherAreATestOfPairs) {
  std::vector<BenchResult> before, after;
  for (int i = 0; i < 6; ++i) {
    before.push_back(result("speed", "tg" + std::to_string(i), "tok_s", kHundred));
    after.push_back(result("speed", "tg" + std::to_string(i), "tok_s", times(0.98)));
  }
  const auto done = compare(record(before), record(after), {});
  EXPECT_NEAR(done->gain, 0.98, 1e-9);
  EXPECT_DOUBLE_EQ(done->p, 2.0 / 64);
  EXPECT_FALSE(done->is_worse());  // each is within the threshold
  const auto json = to_json(*done, {});
  EXPECT_EQ(json.at("rows").as_array().size(), 6u);
  EXPECT_EQ(json.at("worse").as_bool(), false);
}

}  // namespace
}  // namespace handmill::measure
