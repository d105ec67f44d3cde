// A token from a row's largest logits is the token from the whole row, of every seed and setting
// that says so.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "sample/candidates.h"
#include "sample/random.h"
#include "sample/sampler.h"

namespace handmill::sample {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// What is no number comes first.
std::vector<Scored> largest_of(const std::vector<float>& logits, int count) {
  std::vector<Scored> all;
  for (size_t i = 0; i < logits.size(); ++i) all.push_back({logits[i], static_cast<Token>(i)});
  const auto above = [](const Scored& a, const Scored& b) {
    if (std::isnan(a.logit) != std::isnan(b.logit)) return std::isnan(a.logit);
    return a.logit > b.logit || (!(a.logit < b.logit) && a.id < b.id);
  };
  std::partial_sort(all.begin(), all.begin() + count, all.end(), above);
  all.resize(static_cast<size_t>(count));
  return all;
}

/// Steps of few sizes make ties; some tokens cannot be.
std::vector<float> random_row(size_t count, Random& random) {
  const uint64_t values = 2 + random.below(count < 10 ? 3 : count);
  const bool banned = random.below(3) == 0;
  std::vector<float> row(count);
  for (float& logit : row) {
    logit = static_cast<float>(random.below(values)) * 0.125f - 3.0f;
    if (banned && random.below(4) != 0) logit = -kInfinity;
    if (logit == 0.0f && random.below(2) == 0) logit = -0.0f;
  }
  return row;
}

Settings random_settings(Random& random) {
  const auto one_of = [&random](std::initializer_list<float> values) {
    return *(values.begin() + random.below(values.size()));
  };
  return {.temperature = one_of({0.0f, 0.3f, 0.8f, 1.0f, 3.0f}),
          .top_k = static_cast<int>(one_of({1, 2, 5, 40, 255, 256})),
          .top_p = one_of({0.0f, 0.5f, 0.95f, 1.0f}),
          .min_p = one_of({0.0f, 0.05f, 0.5f, 1.0f}),
          .typical_p = one_of({0.2f, 0.9f, 1.0f, 1.0f}),
          .seed = random.below(1000)};
}

TEST(Largest, GiveTheTokenOfTheWholeRow) {
  Random random(3);
  for (const size_t vocab : {1, 2, 7, 39, 40, 41, 255, 256, 257, 1000, 3000})
    for (int i = 0; i < 60; ++i) {
      const Settings settings = random_settings(random);
      Sampler whole(settings, static_cast<int>(vocab)), few(settings, static_cast<int>(vocab));
      const int needed = few.largest_needed();
      ASSERT_EQ(needed, settings.temperature == 0.0f ? 1 : std::min(settings.top_k, int(vocab)));
      for (int step = 0; step < 10; ++step) {  // the draws go on alike
        auto row = random_row(vocab, random);
        if (random.below(10) == 0) row[random.below(vocab)] = random.below(2) ? kNan : kInfinity;
        const auto got = few.sample_largest(largest_of(row, needed)), wanted = whole.sample(row);
        ASSERT_EQ(got.ok(), wanted.ok()) << vocab;
        if (got.ok()) {
          ASSERT_EQ(*got, *wanted) << vocab << " tokens, top_k " << settings.top_k;
        } else {
          ASSERT_EQ(got.error().message, wanted.error().message);
          ASSERT_EQ(got.error().code, wanted.error().code);
        }
      }
    }
}

TEST(Largest, WhatIsNoDistributionIsTheSameError) {
  Sampler sampler({.top_k = 2}, 4);
  const auto said = [&](std::vector<Scored> largest) {
    const auto token = sampler.sample_largest(largest);
    return token.ok() ? "a token" : token.error().message;
  };
  EXPECT_EQ(said({{-kInfinity, 0}, {-kInfinity, 1}}), "no token has a finite logit");
  EXPECT_EQ(said({{kInfinity, 3}, {1.0f, 1}}), "the logit of token 3 is inf");
  EXPECT_EQ(said({{kNan, 3}, {kInfinity, 1}}), "the logit of token 1 is inf");
  EXPECT_EQ(said({{1.0f, 3}, {-kInfinity, 1}}), "a token");
}

TEST(Largest, AreNotEnoughWhereAnythingElseMayDecide) {
  const auto needed = [](const Settings& settings, int vocab = 1000) {
    return Sampler(settings, vocab).largest_needed();
  };
  EXPECT_EQ(needed({}), 40);
  EXPECT_EQ(needed({}, 30), 30);
  EXPECT_EQ(needed({.temperature = 0, .top_k = 0}), 1);
  EXPECT_EQ(needed({.temperature = 0, .mirostat = true}), 1) << "greedy comes before mirostat";
  EXPECT_EQ(needed({.top_k = 256}), 256);
  EXPECT_EQ(needed({.top_k = 257}), 0);
  EXPECT_EQ(needed({.top_k = 0}), 0);
  EXPECT_EQ(needed({.mirostat = true}), 0);
  EXPECT_EQ(needed({.temperature = 0, .repeat_penalty = 1.1f}), 0);
  EXPECT_EQ(needed({.presence_penalty = 0.1f}), 0);
  EXPECT_EQ(needed({.frequency_penalty = -0.1f}), 0);
  EXPECT_EQ(needed({.repeat_penalty = 1.1f, .penalty_last_n = 0}), 40) << "it looks at no token";
  EXPECT_EQ(needed({.logit_bias = {{5, 0.5f}}}), 0);
}

}  // namespace
}  // namespace handmill::sample
