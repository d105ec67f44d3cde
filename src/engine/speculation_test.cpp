// Whatever is proposed, the text is what it would have been: alone and among others, sampled or
// not, at every limit that can cut a proposal or an accepted run short.
#include <algorithm>
#include <fmt/format.h>

#include "engine/test_engine.h"

namespace handmill::engine {
namespace {

using backend::KvType;
using model::TinyModel;

struct Case {
  const char* architecture;
  KvType kv;
};

class SpeculationOf : public testing::TestWithParam<Case> {
 protected:
  TinyModel tiny() const { return {.architecture = GetParam().architecture}; }
  Options options(Speculate speculate, int chunk = 512, int context = 2048) const {
    return {.threads = 2,
            .kv = GetParam().kv,
            .context = context,
            .prefill_chunk = chunk,
            .speculate = speculate};
  }
};

TEST_P(SpeculationOf, TheTextIsTheSame) {
  TestEngine off(tiny(), options(Speculate::kOff));
  TestEngine automatic(tiny(), options(Speculate::kAuto));
  TestEngine always(tiny(), options(Speculate::kAlways));
  int proposed = 0, accepted = 0;
  for (uint32_t i = 0; i < 8; ++i) {
    const Request wanted = babble(20 + 30 * i, 150, i, i % 2 == 0);
    const Answer plain = off.ask(wanted);
    EXPECT_EQ(plain.timings.proposed_tokens, 0);
    expect_same(plain, automatic.ask(wanted), fmt::format("auto, {}", i));
    const Answer guessed = always.ask(wanted);
    expect_same(plain, guessed, fmt::format("always, {}", i));
    proposed += guessed.timings.proposed_tokens;
    accepted += guessed.timings.accepted_tokens;
  }
  EXPECT_GT(accepted, 50) << "a test of nothing";
  EXPECT_GT(proposed - accepted, 50);
}

TEST_P(SpeculationOf, AmongOthersAndPreempted) {
  std::vector<Request> requests;
  for (uint32_t i = 0; i < 10; ++i)
    requests.push_back(babble(5 + 14 * i, 40 + static_cast<int>(i), i, i % 2 == 0));
  std::vector<Answer> alone;
  {
    TestEngine off(tiny(), options(Speculate::kOff));
    for (const Request& request : requests) alone.push_back(off.ask(request));
  }
  for (const auto& [chunk, context] : {std::pair{512, 4096}, {64, 320}, {17, 512}}) {
    TestEngine always(tiny(), options(Speculate::kAlways, chunk, context));
    std::vector<RequestId> ids;
    for (const Request& request : requests) ids.push_back(always.submit(request));
    always->drain();
    int accepted = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      const Answer& answer = always.answer(ids[i]);
      expect_same(alone[i], answer, fmt::format("{}, context {}, chunk {}", i, context, chunk));
      accepted += answer.timings.accepted_tokens;
    }
    EXPECT_GT(accepted, 0);
  }
}

TEST_P(SpeculationOf, TheTokensOfAStepAreItsLimit) {
  TestEngine off(tiny(), options(Speculate::kOff));
  const Answer plain = off.ask(babble(50, 60, 1));
  for (const int chunk : {1, 2, 3, 7, 16}) {
    TestEngine always(tiny(), options(Speculate::kAlways, chunk));
    const Answer guessed = always.ask(babble(50, 60, 1));
    expect_same(plain, guessed, fmt::format("steps of {}", chunk));
    EXPECT_EQ(guessed.timings.proposed_tokens > 0, chunk > 1);
  }
}

TEST_P(SpeculationOf, ThePrefixCacheHoldsWhatWasAccepted) {
  TestEngine off(tiny(), options(Speculate::kOff)), always(tiny(), options(Speculate::kAlways));
  int rejected = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    Request next = babble(30, 200, i);
    const Answer first = always.ask(next);
    rejected += first.timings.proposed_tokens - first.timings.accepted_tokens;
    next.prompt.insert(next.prompt.end(), first.tokens.begin(), first.tokens.end());
    off->clear_cache();
    const Answer hot = always.ask(next);
    EXPECT_EQ(hot.timings.cached_tokens, 192) << "of 230";
    expect_same(off.ask(next), hot, fmt::format("{}", i));
  }
  EXPECT_GT(rejected, 20);
}

constexpr Case kCases[] = {{"llama", KvType::kF16},
                           {"qwen2", KvType::kQ8_0},
                           {"gemma3", KvType::kF16},
                           {"gemma3", KvType::kQ8_0}};
INSTANTIATE_TEST_SUITE_P(Each, SpeculationOf, testing::ValuesIn(kCases), [](const auto& test) {
  return std::string(test.param.architecture) + (test.param.kv == KvType::kF16 ? "_f16" : "_q8_0");
});

Options always_guess(int context = 2048) {
  return {.threads = 2, .context = context, .speculate = Speculate::kAlways};
}

/// The model says 'A' and nothing else.
Request only_a(std::vector<text::Token> prompt, int max_tokens) {
  Request wanted = request(std::move(prompt), max_tokens);
  wanted.sampling.logit_bias = {{'A', 500.0f}};
  return wanted;
}

TEST(Speculation, CountsWhatItProposedAndWhatWasRight) {
  TestEngine engine(TinyModel{}, always_guess());
  const Answer loop = engine.ask(only_a(std::vector<text::Token>(20, 'A'), 40));
  EXPECT_EQ(loop.tokens.size(), 40u);
  // The first token is the prefill's; then 1 + 15, 1 + 15, and 1 + 6, for more than 40 are no use.
  EXPECT_EQ(loop.timings.proposed_tokens, 36);
  EXPECT_EQ(loop.timings.accepted_tokens, 36);
  // "A A B A" was followed by "A B …", of which the first is right. Then "A A" was followed by "A",
  // just so, and the loop is right to its end: the tokens left, less the step's own.
  const Answer wrong = engine.ask(only_a({'A', 'A', 'B', 'A', 'A', 'B'}, 10));
  EXPECT_EQ(wrong.text, "AAAAAAAAAA");
  EXPECT_EQ(wrong.timings.proposed_tokens, 8 + 6);
  EXPECT_EQ(wrong.timings.accepted_tokens, 1 + 6);
}

TEST(Speculation, EndsAtTheRightToken) {
  TestEngine off(TinyModel{}, {.threads = 2, .context = 2048, .speculate = Speculate::kOff});
  TestEngine always(TinyModel{}, always_guess());
  int accepted = 0;
  for (int tokens = 1; tokens <= 40; ++tokens) {
    const Answer answer = always.ask(babble(60, tokens, 3));
    expect_same(off.ask(babble(60, tokens, 3)), answer, fmt::format("{} tokens", tokens));
    EXPECT_EQ(answer.finish, Finish::kLength);
    accepted += answer.timings.accepted_tokens;
  }
  EXPECT_GT(accepted, 50);
  const std::string text = off.ask(babble(60, 100, 3)).text;
  for (size_t length = 1; length <= 6; ++length)
    for (size_t at = 5; at < 60; at += 5) {
      Request wanted = babble(60, 100, 3);
      wanted.stop = {text.substr(at, length)};
      const Answer answer = always.ask(wanted);
      EXPECT_EQ(answer.finish, Finish::kStop);
      expect_same(off.ask(wanted), answer, "stop " + wanted.stop[0]);
    }
}

TEST(Speculation, StopsInsideAnAcceptedRun) {
  TestEngine engine(TinyModel{}, always_guess());
  Request wanted = only_a(std::vector<text::Token>(20, 'A'), 40);
  wanted.stop = {"AAAAAAA"};
  const Answer answer = engine.ask(wanted);
  EXPECT_EQ(answer.finish, Finish::kStop);
  EXPECT_EQ(answer.tokens.size(), 7u);
  EXPECT_EQ(answer.text, "");
  EXPECT_EQ(answer.timings.accepted_tokens, 6) << "of the 15 that followed the first";
}

TEST(Speculation, EndTokensEndAnswersInsideRunsToo) {
  const TinyModel tiny{.end_token = true};
  TestEngine off(tiny, {.threads = 2, .context = 2048, .speculate = Speculate::kOff});
  TestEngine always(tiny, always_guess());
  const text::Token end = always->tokenizer()->find_control("<|im_end|>");
  int accepted = 0, stopped = 0;
  for (uint32_t i = 0; i < 30; ++i) {
    Request wanted = babble(100, 60, i);
    wanted.sampling.temperature = 5;
    std::ranges::replace(wanted.prompt, 'D', end);
    wanted.sampling.logit_bias[3].first = end;
    const Answer answer = always.ask(wanted);
    expect_same(off.ask(wanted), answer, fmt::format("{}", i));
    stopped += answer.finish == Finish::kStop ? 1 : 0;
    accepted += answer.timings.accepted_tokens;
    wanted.ignore_end = true;
    expect_same(off.ask(wanted), always.ask(wanted), fmt::format("{} and on", i));
  }
  EXPECT_GT(accepted, 20);
  EXPECT_GT(stopped, 10);
}

TEST(Speculation, TheContextEndsARun) {
  for (const int context : {100, 128, 140}) {
    TestEngine engine(TinyModel{}, always_guess(context));
    const Answer answer = engine.ask(only_a(std::vector<text::Token>(70, 'A'), -1));
    EXPECT_EQ(answer.finish, Finish::kContext);
    EXPECT_EQ(answer.tokens.size(), static_cast<size_t>(context - 70 + 1));
    EXPECT_GT(answer.timings.accepted_tokens, 20);
  }
}

TEST(Speculation, CancelledRequestsLeaveNothingBehind) {
  TestEngine engine(TinyModel{}, always_guess());
  std::vector<RequestId> ids;
  for (uint32_t i = 0; i < 3; ++i) ids.push_back(engine.submit(babble(100, 500, i)));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(engine->step());
  for (const RequestId id : ids) {
    EXPECT_GT(engine.answer(id).tokens.size(), 0u);
    engine->cancel(id);
  }
  engine->drain();
  for (const RequestId id : ids) EXPECT_EQ(engine.answer(id).finish, Finish::kCancelled);
  EXPECT_EQ(engine.ask(request(random_prompt(2040, 4), 1)).finish, Finish::kLength)
      << "all blocks are free again";
}

TEST(Speculation, AutomaticSpeculationIsRareWhereItFails) {
  TestEngine engine(TinyModel{}, {.threads = 2, .context = 4096});
  // Every pair of sixteen letters was there before, and says nothing about what follows.
  Request wanted = babble(20, 1500, 5);
  wanted.sampling.logit_bias.clear();
  for (text::Token letter = 'A'; letter < 'A' + 16; ++letter)
    wanted.sampling.logit_bias.emplace_back(letter, 90.0f);
  wanted.sampling.temperature = 100;
  const Answer answer = engine.ask(wanted);
  EXPECT_EQ(answer.tokens.size(), 1500u);
  EXPECT_GT(answer.timings.proposed_tokens, 0) << "it tries";
  EXPECT_LT(answer.timings.proposed_tokens, 450) << "and gives up";
}

}  // namespace
}  // namespace handmill::engine
