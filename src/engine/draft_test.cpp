// A draft model may know the answer or nothing at all: the text is the first model's.
#include <fmt/format.h>

#include "engine/test_engine.h"

namespace handmill::engine {
namespace {

using model::TinyModel;

const TinyModel kFirst{};

TinyModel stranger() { return {.architecture = "qwen2", .layers = 1, .seed = 9}; }

Options with_draft(const TinyModel& draft, int context = 2048, int chunk = 512,
                   Speculate speculate = Speculate::kAlways) {
  return {.threads = 2,
          .context = context,
          .prefill_chunk = chunk,
          .speculate = speculate,
          .draft = draft.open()};
}

/// What the lookup proposes alone.
int looked_up(const Request& wanted, const TinyModel& first = kFirst) {
  TestEngine engine(first, {.threads = 2, .context = 2048, .speculate = Speculate::kAlways});
  return engine.ask(wanted).timings.proposed_tokens;
}

Options off() { return {.threads = 2, .context = 2048, .speculate = Speculate::kOff}; }

TEST(Draft, OneThatKnowsTheAnswerForeseesIt) {
  TestEngine engine(kFirst, with_draft(kFirst)), plain(kFirst, off());
  Request wanted = request(random_prompt(100, 1), 49);
  wanted.sampling.repeat_penalty = 1;
  const Answer answer = engine.ask(wanted);
  expect_same(plain.ask(wanted), answer, "the model itself");
  // The prefill's token, and three steps of sixteen.
  EXPECT_EQ(answer.timings.proposed_tokens, 45);
  EXPECT_EQ(answer.timings.accepted_tokens, 45);
}

TEST(Draft, TheTextIsTheFirstModels) {
  TestEngine plain(kFirst, off());
  for (const bool knows : {true, false}) {
    const TinyModel draft = knows ? kFirst : stranger();
    TestEngine always(kFirst, with_draft(draft));
    TestEngine automatic(kFirst, with_draft(draft, 2048, 512, Speculate::kAuto));
    int proposed = 0, accepted = 0;
    for (uint32_t i = 0; i < 6; ++i)
      for (const Request& wanted : {request(random_prompt(40 + 30 * i, i), 90, i % 2 == 0, i),
                                    babble(40 + 30 * i, 90, i, i % 2 == 0)}) {
        const Answer expected = plain.ask(wanted), answer = always.ask(wanted);
        const std::string what = fmt::format("{}, knows: {}", i, knows);
        expect_same(expected, answer, what);
        expect_same(expected, automatic.ask(wanted), what + ", auto");
        proposed += answer.timings.proposed_tokens;
        accepted += answer.timings.accepted_tokens;
      }
    EXPECT_GT(accepted, 50);
    EXPECT_GT(proposed - accepted, 50);
  }
}

TEST(Draft, AmongOthersAndPreempted) {
  TestEngine plain(kFirst, off());
  std::vector<Request> requests;
  for (uint32_t i = 0; i < 10; ++i)
    requests.push_back(request(random_prompt(5 + 14 * i, i), 40 + static_cast<int>(i), i % 2, i));
  for (const auto& [chunk, context] : {std::pair{512, 4096}, {64, 320}, {17, 512}}) {
    TestEngine engine(kFirst, with_draft(kFirst, context, chunk));
    std::vector<RequestId> ids;
    for (const Request& request : requests) ids.push_back(engine.submit(request));
    engine->drain();
    int accepted = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      expect_same(plain.ask(requests[i]), engine.answer(ids[i]),
                  fmt::format("{}, context {}, chunk {}", i, context, chunk));
      accepted += engine.answer(ids[i]).timings.accepted_tokens;
    }
    EXPECT_GT(accepted, 20) << context;
  }
}

TEST(Draft, ReadsALongTextInSeveralSteps) {
  TestEngine engine(kFirst, with_draft(kFirst, 2048, 100)), plain(kFirst, off());
  Request wanted = request(random_prompt(450, 1), 60);
  wanted.sampling.repeat_penalty = 1;
  const Answer answer = engine.ask(wanted);
  expect_same(plain.ask(wanted), answer, "steps of 100");
  EXPECT_EQ(answer.timings.accepted_tokens, answer.timings.proposed_tokens);
  EXPECT_GT(answer.timings.accepted_tokens, 40);
}

TEST(Draft, IsAskedOnlyWhereReadingPays) {
  const Request wanted = request(random_prompt(400, 1), 10);
  TestEngine always(kFirst, with_draft(kFirst));
  EXPECT_GT(always.ask(wanted).timings.proposed_tokens, looked_up(wanted));
  TestEngine automatic(kFirst, with_draft(kFirst, 2048, 512, Speculate::kAuto));
  EXPECT_LE(automatic.ask(wanted).timings.proposed_tokens, looked_up(wanted));
}

TEST(Draft, ItsCacheIsFreeAgainAfterEveryAnswer) {
  TestEngine engine(kFirst, with_draft(kFirst, 256));
  for (uint32_t i = 0; i < 20; ++i) {
    const Answer answer = engine.ask(request(random_prompt(120, i), 60));
    EXPECT_GT(answer.timings.proposed_tokens, 0) << i;
    const RequestId id = engine.submit(request(random_prompt(130, i), 60));
    for (int step = 0; step < 3; ++step) engine->step();
    engine->cancel(id);
    engine->drain();
  }
}

TEST(Draft, FindsPrefixesAgain) {
  TestEngine engine(kFirst, with_draft(kFirst)), plain(kFirst, off());
  Request wanted = request(random_prompt(100, 3), 60, false);
  const Answer first = engine.ask(wanted);
  expect_same(plain.ask(wanted), first, "cold");
  wanted.prompt.insert(wanted.prompt.end(), first.tokens.begin(), first.tokens.end());
  const Answer hot = engine.ask(wanted);
  EXPECT_EQ(hot.timings.cached_tokens, 128);
  plain->clear_cache();
  expect_same(plain.ask(wanted), hot, "hot");
  engine->clear_cache();
  expect_same(hot, engine.ask(wanted), "cleared");
}

TEST(Draft, ItsOwnContextIsItsEnd) {
  TestEngine plain(kFirst, off());
  TestEngine engine(kFirst, with_draft(TinyModel{.context = 90}));
  for (const int tokens : {3, 60}) {
    const Request wanted = request(random_prompt(80, 1), tokens);
    expect_same(plain.ask(wanted), engine.ask(wanted), fmt::format("{} tokens", tokens));
  }
  const Request within = request(random_prompt(60, 1), 20);
  EXPECT_GT(engine.ask(within).timings.proposed_tokens, looked_up(within));
  const Request beyond = request(random_prompt(95, 1), 60);
  EXPECT_EQ(engine.ask(beyond).timings.proposed_tokens, looked_up(beyond));
}

TEST(Draft, TokensThatItLacksAreNotItsBusiness) {
  TestEngine engine(kFirst, with_draft(TinyModel{.vocab = 280})), plain(kFirst, off());
  Request known = request(random_prompt(60, 1), 40);
  EXPECT_GT(engine.ask(known).timings.proposed_tokens, looked_up(known));
  Request unknown = known;
  unknown.prompt[7] = 290;
  expect_same(plain.ask(unknown), engine.ask(unknown), "290");
  EXPECT_EQ(engine.ask(unknown).timings.proposed_tokens, looked_up(unknown));
  // And the other way round: what it says must be a token of the first.
  TestEngine larger(TinyModel{.vocab = 280}, with_draft(kFirst));
  TestEngine larger_plain(TinyModel{.vocab = 280}, off());
  expect_same(larger_plain.ask(known), larger.ask(known), "a larger draft");
}

TEST(Draft, AnotherVocabularyIsAnError) {
  const auto engine = Engine::open(kFirst.open(), with_draft(TinyModel{.end_token = true}));
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.error().code, Code::kInvalid);
  for (const char* part : {"token 257", "<|im_end|>", "[PAD257]", "vocabulary"})
    EXPECT_NE(engine.error().message.find(part), std::string::npos) << engine.error().message;
  Options unused = with_draft(TinyModel{.end_token = true});
  unused.speculate = Speculate::kOff;
  EXPECT_TRUE(Engine::open(kFirst.open(), unused).ok()) << "it is not even loaded";
}

}  // namespace
}  // namespace handmill::engine
