// Log-probabilities against the logits that score() gives, however the tokens came about.
#include "engine/logprobs.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "engine/test_engine.h"

namespace handmill::engine {
namespace {

using model::TinyModel;

using Rows = std::vector<std::vector<double>>;  // [position, vocab], log-probabilities

/// After each position of a text, by the definition.
Rows reference(Engine& engine, std::span<const text::Token> tokens) {
  Rows rows;
  const Status scored = engine.score(tokens, [&](size_t, std::span<const float> logits) {
    double sum = 0;
    for (float logit : logits) sum += std::exp(double{logit});
    std::vector<double> row;
    for (float logit : logits) row.push_back(logit - std::log(sum));
    rows.push_back(std::move(row));
  });
  EXPECT_TRUE(scored.ok());
  return rows;
}

void expect_near(const TokenLogprob& told, text::Token token, const std::vector<double>& row,
                 size_t top, const std::string& what) {
  EXPECT_EQ(told.chosen.token, token) << what;
  EXPECT_NEAR(told.chosen.logprob, row[static_cast<size_t>(token)], 1e-5) << what;
  ASSERT_EQ(told.top.size(), top) << what;
  std::vector<double> sorted = row;
  std::ranges::sort(sorted, std::greater{});
  for (size_t i = 0; i < top; ++i) {
    EXPECT_NEAR(told.top[i].logprob, sorted[i], 1e-5) << what;
    EXPECT_NEAR(row[static_cast<size_t>(told.top[i].token)], sorted[i], 1e-5) << what;
  }
}

class LogprobsWith : public testing::TestWithParam<Speculate> {};

TEST_P(LogprobsWith, AreThoseOfTheModelBeforeAnySampler) {
  TestEngine engine(TinyModel{}, {.threads = 2, .context = 2048, .speculate = GetParam()});
  int accepted = 0;
  for (uint32_t seed = 0; seed < 3; ++seed) {
    Request wanted = babble(70, 60, seed, seed == 0);  // its biases are the sampler's
    wanted.logprobs = static_cast<int>(seed) * 5;
    const Answer answer = engine.ask(wanted);
    accepted += answer.timings.accepted_tokens;
    std::vector<text::Token> text = wanted.prompt;
    text.insert(text.end(), answer.tokens.begin(), answer.tokens.end());
    const Rows rows = reference(*engine.operator->(), text);
    ASSERT_EQ(answer.logprobs.size(), 60u);
    for (size_t i = 0; i < answer.tokens.size(); ++i)
      expect_near(answer.logprobs[i], answer.tokens[i], rows[69 + i], seed * 5,
                  fmt::format("token {} of {}", i, seed));
    wanted.logprobs = -1;
    const Answer plain = engine.ask(wanted);
    expect_same(answer, plain, "asking changes nothing");
    for (const TokenLogprob& none : plain.logprobs) EXPECT_EQ(none.chosen.token, text::kNoToken);
  }
  EXPECT_EQ(accepted > 0, GetParam() == Speculate::kAlways);
}
INSTANTIATE_TEST_SUITE_P(Each, LogprobsWith, testing::Values(Speculate::kOff, Speculate::kAlways));

bool same(const Likely& a, const Likely& b) {
  return a.token == b.token && (a.logprob == b.logprob || std::isnan(a.logprob + b.logprob));
}

TEST(PromptLogprobs, AreComputedWholeAndAreTheSameInEveryChunk) {
  std::vector<TokenLogprob> first;
  for (const int chunk : {512, 64, 7}) {
    TestEngine engine(TinyModel{}, {.threads = 2, .context = 512, .prefill_chunk = chunk});
    Request wanted = request(random_prompt(150, 3), 4);
    engine.ask(wanted);  // the prefix cache is hot
    wanted.prompt_logprobs = true;
    wanted.logprobs = 3;
    const Answer answer = engine.ask(wanted);
    EXPECT_EQ(answer.timings.cached_tokens, 0);
    ASSERT_EQ(answer.prompt_logprobs.size(), 150u);
    EXPECT_EQ(answer.prompt_logprobs[0].chosen.token, wanted.prompt[0]);
    EXPECT_TRUE(std::isnan(answer.prompt_logprobs[0].chosen.logprob));
    EXPECT_TRUE(answer.prompt_logprobs[0].top.empty());
    const Rows rows = reference(*engine.operator->(), wanted.prompt);
    for (size_t i = 1; i < 150; ++i)
      expect_near(answer.prompt_logprobs[i], wanted.prompt[i], rows[i - 1], 3,
                  fmt::format("{}", i));
    if (first.empty()) first = answer.prompt_logprobs;
    for (size_t i = 0; i < 150; ++i) {
      EXPECT_TRUE(same(first[i].chosen, answer.prompt_logprobs[i].chosen)) << chunk << ", " << i;
      EXPECT_TRUE(std::ranges::equal(first[i].top, answer.prompt_logprobs[i].top, same));
    }
    wanted.prompt_logprobs = false;
    EXPECT_EQ(engine.ask(wanted).timings.cached_tokens, 128) << "its blocks are findable";
  }
}

TEST(PromptLogprobs, OfAPromptOfOneTokenAndWithoutTheAnswers) {
  TestEngine engine(TinyModel{});
  Request wanted = request({7}, 3);
  wanted.prompt_logprobs = true;
  const Answer answer = engine.ask(wanted);
  ASSERT_EQ(answer.prompt_logprobs.size(), 1u);
  EXPECT_EQ(answer.prompt_logprobs[0].chosen.token, 7);
  wanted.prompt = {7, 8};
  const Answer two = engine.ask(wanted);
  ASSERT_EQ(two.prompt_logprobs.size(), 2u);
  EXPECT_LT(two.prompt_logprobs[1].chosen.logprob, 0);
  EXPECT_TRUE(two.prompt_logprobs[1].top.empty());
  EXPECT_EQ(two.logprobs[0].chosen.token, text::kNoToken);
}

TEST(PromptLogprobs, SurvivePreemption) {
  Request wanted = request(random_prompt(100, 3), 4);
  wanted.prompt_logprobs = true;
  TestEngine roomy(TinyModel{});
  const Answer alone = roomy.ask(wanted);
  TestEngine engine(TinyModel{}, {.threads = 2, .context = 256, .prefill_chunk = 64});
  const RequestId other = engine.submit(request(random_prompt(60, 1), 120));
  engine->step();
  wanted.max_tokens = 40;
  const RequestId id = engine.submit(wanted), more = engine.submit(wanted);
  engine->drain();
  EXPECT_EQ(engine.answer(other).tokens.size(), 120u);
  EXPECT_GT(engine->stats().preemptions, 0u);
  for (RequestId each : {id, more}) {
    ASSERT_EQ(engine.answer(each).prompt_logprobs.size(), 100u);
    for (size_t i = 0; i < 100; ++i)
      EXPECT_TRUE(
          same(alone.prompt_logprobs[i].chosen, engine.answer(each).prompt_logprobs[i].chosen));
  }
}

TEST(Logprobs, TheCountHasARange) {
  TestEngine engine(TinyModel{});
  for (const int count : {-2, 21}) {
    Request wanted = request({1}, 1);
    wanted.logprobs = count;
    const auto refused = engine->submit(wanted, {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kInvalid);
    EXPECT_NE(refused.error().message.find("0 to 20"), std::string::npos);
  }
}

TEST(Logprobs, EqualOnesByLowerId) {
  const float logits[] = {0, 3, 1, 3, 1, -std::numeric_limits<float>::infinity()};
  TokenLogprob told;
  find_logprobs(logits, 2, 4, told);
  std::vector<text::Token> order;
  for (const Likely& likely : told.top) order.push_back(likely.token);
  EXPECT_EQ(order, (std::vector<text::Token>{1, 3, 2, 4}));
  EXPECT_EQ(told.chosen.logprob, told.top[2].logprob);
  find_logprobs(logits, 99, 20, told);
  EXPECT_EQ(told.top.size(), 6u) << "all there are";
  EXPECT_EQ(told.chosen.logprob, -std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace handmill::engine
