// On histories made up with a known bias and a known noise.
#include "measure/correction.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace handmill::measure {
namespace {

constexpr double kBar = 0.10;

struct History {
  std::vector<Pair> pairs;
  std::mt19937_64 random{7};

  void add(int count, std::string digest, double factor, double noise = 0, int depth = 0,
           Phase phase = Phase::kDecode, int tokens = 64) {
    std::normal_distribution<double> normal(0, 1);
    for (int i = 0; i < count; ++i)
      pairs.push_back(
          {digest, "f16", phase, tokens, depth, std::log(factor) + noise * normal(random)});
  }
  Correction at(std::string_view digest, int depth = 0, Phase phase = Phase::kDecode,
                int tokens = 64, std::string_view kv = "f16") const {
    return correction(pairs, {digest, kv, phase, tokens, depth}, kBar);
  }
};

TEST(CorrectionTest, WithoutAPastThePredictionStandsAsItIs) {
  const Correction got = History().at("a");
  EXPECT_EQ(got.factor, 1);
  EXPECT_FALSE(got.known());
  Prediction prediction;
  prediction.seconds = 2;
  const Corrected told = corrected(prediction, {}, {});
  EXPECT_EQ(told.seconds(), 2);
  EXPECT_EQ(told.low(), prediction.low());
  EXPECT_EQ(told.high(), prediction.high());
}

TEST(CorrectionTest, AKnownBiasIsTakenOut) {
  History history;
  history.add(100, "a", 1.25, 0.03);
  const Correction got = history.at("a");
  EXPECT_NEAR(got.factor, 1.25, 0.02);
  EXPECT_EQ(got.runs, 100);
  EXPECT_NEAR(got.spread, 1.645 * 0.03, 0.02);
  Prediction prediction;
  prediction.seconds = 2;
  const Corrected told = corrected(prediction, history.pairs, {"a", "f16", Phase::kDecode, 64, 0});
  EXPECT_NEAR(told.seconds(), 2.5, 0.04);
  EXPECT_LT(told.low(), told.seconds());
  EXPECT_GT(told.high(), told.seconds());
}

TEST(CorrectionTest, FewRunsMoveLittle) {
  History history;
  history.add(1, "a", 2);
  const Correction one = history.at("a");
  EXPECT_GT(one.factor, 1.05);
  EXPECT_LT(one.factor, 1.2);
  history.add(7, "a", 2);
  EXPECT_GT(history.at("a").factor, 1.5);
}

TEST(CorrectionTest, OneOddRunMovesLittle) {
  History history;
  history.add(20, "a", 1.1, 0.01);
  const double before = history.at("a").factor;
  history.add(1, "a", 50);
  EXPECT_NEAR(history.at("a").factor, before, 0.01);
}

TEST(CorrectionTest, ANewModelStartsFromTheOthers) {
  History history;
  for (const char* model : {"a", "b", "c", "d", "e", "f"}) history.add(30, model, 1.3, 0.02);
  const Correction got = history.at("new");
  EXPECT_GT(got.factor, 1.12);
  EXPECT_LT(got.factor, 1.3);
  EXPECT_EQ(got.runs, 0);
  EXPECT_EQ(got.others, 180);
  EXPECT_EQ(history.at("new", 0, Phase::kPrefill).others, 0);  // the phases are apart
}

TEST(CorrectionTest, OneModelIsOneVoice) {
  History history;
  history.add(200, "a", 2);
  for (const char* model : {"b", "c", "d", "e"}) history.add(2, model, 1);
  EXPECT_NEAR(history.at("new").factor, 1, 1e-9);
}

TEST(CorrectionTest, CachesOfAnotherTypeAreAnotherModel) {
  History history;
  history.add(50, "a", 1.5);
  EXPECT_EQ(history.at("a", 0, Phase::kDecode, 64, "q8_0").runs, 0);
  EXPECT_LT(history.at("a", 0, Phase::kDecode, 64, "q8_0").factor, 1.1);
}

TEST(CorrectionTest, RunsOfThatDepthCountMost) {
  History history;
  history.add(40, "a", 1.0, 0.01, 0);
  history.add(40, "a", 1.4, 0.01, 8192);
  EXPECT_NEAR(history.at("a", 0).factor, 1.0, 0.05);
  EXPECT_NEAR(history.at("a", 8192).factor, 1.4, 0.05);
  EXPECT_NEAR(history.at("a", 7000).factor, 1.4, 0.05);
}

TEST(CorrectionTest, WhatWasLeftOutChangesNothing) {
  std::vector<Entry> entries(3);
  for (Entry& entry : entries) {
    entry.forecast.model.digest = "a";
    entry.forecast.kv = "f16";
    entry.forecast.tokens = 64;
    entry.forecast.seconds = 1;
    entry.outcome.seconds = 1.2;
  }
  entries[1].outcome = {9, "the CPU was stolen"};
  const std::vector<Pair> pairs = pairs_of(entries);
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_NEAR(pairs[0].log_ratio, std::log(1.2), 1e-12);
  entries.erase(entries.begin() + 1);
  const Asked asked{"a", "f16", Phase::kDecode, 64, 0};
  EXPECT_EQ(correction(pairs, asked, kBar).factor,
            correction(pairs_of(entries), asked, kBar).factor);
}

/// Machines with a bias of their own, runs with noise: how many of the next lie in the bar.
double covered(int runs, double noise, bool long_tails) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> bias(0, 0.1), normal(0, 1);
  std::uniform_real_distribution<double> uniform(0, 1);
  const auto drawn = [&] {
    return noise * normal(random) * (long_tails && uniform(random) < 0.1 ? 3 : 1);
  };
  int inside = 0;
  constexpr int kWorlds = 2000;
  for (int world = 0; world < kWorlds; ++world) {
    const double centre = bias(random);
    std::vector<Pair> pairs;
    for (int i = 0; i < runs; ++i)
      pairs.push_back({"a", "f16", Phase::kDecode, 64, 0, centre + drawn()});
    const Correction got = correction(pairs, {"a", "f16", Phase::kDecode, 64, 0}, kBar);
    inside += std::abs(centre + drawn() - std::log(got.factor)) <= got.spread ? 1 : 0;
  }
  return static_cast<double>(inside) / kWorlds;
}

TEST(CorrectionTest, NineOfTenRunsLieInTheBar) {
  for (const int runs : {10, 30, 100})
    for (const double noise : {0.02, 0.05})
      for (const bool long_tails : {false, true}) {
        const double share = covered(runs, noise, long_tails);
        EXPECT_GE(share, 0.86) << runs << " runs, noise " << noise << (long_tails ? ", tails" : "");
        EXPECT_LE(share, 0.97) << runs << " runs, noise " << noise << (long_tails ? ", tails" : "");
      }
}

}  // namespace
}  // namespace handmill::measure
