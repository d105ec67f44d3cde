// The penalties against the formula over a plain list of the latest tokens, and logit bias.
#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <map>

#include "sample/steps.h"

namespace handmill::sample {
namespace {

std::vector<float> some_logits() { return {1.5f, -2.0f, 0.0f, 3.0f, -0.5f, 2.5f, 0.25f, -4.0f}; }

std::vector<float> expected_after(const Settings& s, const std::vector<Token>& history) {
  std::vector<float> logits = some_logits();
  const size_t all = history.size();
  const size_t seen =
      s.penalty_last_n < 0 ? all : std::min(all, static_cast<size_t>(s.penalty_last_n));
  std::map<Token, int> counts;
  for (size_t i = all - seen; i < all; ++i) ++counts[history[i]];
  for (const auto& [token, count] : counts) {
    float& x = logits[static_cast<size_t>(token)];
    x = x > 0 ? x / s.repeat_penalty : x * s.repeat_penalty;
    x -= s.presence_penalty + s.frequency_penalty * static_cast<float>(count);
  }
  return logits;
}

TEST(Penalties, FollowTheFormulaOverTheWindow) {
  for (int last_n : {-1, 0, 1, 2, 3, 5, 64})
    for (float repeat : {1.0f, 1.3f, 0.7f})
      for (float presence : {0.0f, 0.6f})
        for (float frequency : {0.0f, -0.25f}) {
          const Settings settings{.repeat_penalty = repeat,
                                  .presence_penalty = presence,
                                  .frequency_penalty = frequency,
                                  .penalty_last_n = last_n};
          Penalties penalties(settings, 8);
          std::vector<Token> history;
          for (Token token : {3, 3, 1, 0, 3, 7, 7, 7, 2, 3, 1, 1, 0, 5}) {
            penalties.accept(token);
            history.push_back(token);
            for (int repeated = 0; repeated < 2; ++repeated) {  // apply() leaves the counts alone
              std::vector<float> logits = some_logits();
              penalties.apply(logits);
              ASSERT_EQ(logits, expected_after(settings, history))
                  << last_n << " " << repeat << " " << presence << " " << frequency;
            }
          }
        }
}

TEST(Penalties, LeaveImpossibleTokensImpossible) {
  Penalties penalties({.repeat_penalty = 0.5f, .presence_penalty = -3.0f}, 8);
  penalties.accept(2);
  std::vector<float> logits = some_logits();
  logits[2] = -std::numeric_limits<float>::infinity();
  penalties.apply(logits);
  EXPECT_EQ(logits[2], -std::numeric_limits<float>::infinity());
}

TEST(Penalties, IgnoreTokensOutsideTheVocabulary) {
  Penalties penalties({.presence_penalty = 1.0f}, 8);
  for (Token token : {-1, 8, 1 << 30}) penalties.accept(token);
  std::vector<float> logits = some_logits();
  penalties.apply(logits);
  EXPECT_EQ(logits, some_logits());
}

TEST(LogitBias, IsAdded) {
  std::vector<float> logits = some_logits();
  add_logit_bias({.logit_bias = {{1, 5.0f}, {3, -100.0f}, {1, 0.5f}}}, logits);
  EXPECT_EQ(logits, (std::vector<float>{1.5f, 3.5f, 0.0f, -97.0f, -0.5f, 2.5f, 0.25f, -4.0f}));
}

}  // namespace
}  // namespace handmill::sample
