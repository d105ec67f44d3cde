// Runs of known spread and drift, and when they end.
#include "measure/repeats.h"

#include <gtest/gtest.h>
#include <vector>

namespace handmill::measure {
namespace {

using Runs = std::vector<double>;

TEST(Repeats, AQuietTestEndsAsSoonAsItCanBeKnown) {
  const Runs quiet = {100, 101, 99, 100, 100.5, 99.5, 100};
  const Repeats repeats;
  EXPECT_FALSE(is_enough(std::span(quiet).first(5), 1, repeats));
  EXPECT_TRUE(is_enough(std::span(quiet).first(6), 1, repeats));
  const Verdict verdict = judge_runs(std::span(quiet).first(6), repeats.tight);
  EXPECT_TRUE(verdict.tight);
  EXPECT_FALSE(verdict.noisy());
  EXPECT_NEAR(*verdict.within, 0.01, 1e-12);
}

TEST(Repeats, ANoisyTestGoesOnToTheMostOrItsTime) {
  Runs noisy;
  for (int i = 0; i < 20; ++i) noisy.push_back(i % 2 == 0 ? 100 : 110);
  EXPECT_FALSE(is_enough(std::span(noisy).first(19), 1, {}));
  EXPECT_TRUE(is_enough(noisy, 1, {}));
  EXPECT_TRUE(is_enough(std::span(noisy).first(1), 120, {}));
  EXPECT_TRUE(judge_runs(noisy, 0.02).noisy());
  EXPECT_FALSE(judge_runs(noisy, 0.02).drifts);
}

TEST(Repeats, AFixedCountIsKeptWhateverTheRunsSay) {
  const Runs same(8, 5.0);
  EXPECT_FALSE(is_enough(std::span(same).first(7), 1e6, {.fixed = 8}));
  EXPECT_TRUE(is_enough(same, 0, {.fixed = 8}));
  EXPECT_TRUE(is_enough(std::span(same).first(2), 0, {.fixed = 2}));
  EXPECT_FALSE(judge_runs(std::span(same).first(2), 0.02).tight);  // two runs know nothing
}

TEST(Repeats, ADriftIsTold) {
  Runs cooling;
  for (int i = 0; i < 10; ++i) cooling.push_back(100 - i);
  const Verdict verdict = judge_runs(cooling, 0.02);
  EXPECT_TRUE(verdict.drifts);
  EXPECT_NEAR(verdict.drift, -1 / 95.5, 1e-12);
  for (double& run : cooling) run = 100 - (100 - run) / 100;  // the same order, but 0.09 % in all
  EXPECT_FALSE(judge_runs(cooling, 0.02).drifts);
  EXPECT_TRUE(judge_runs(cooling, 0.02).tight);
}

}  // namespace
}  // namespace handmill::measure
