// What is told beside the text: probabilities, vectors, what was found in the cache.
#include <cmath>

#include "router/test_router.h"

namespace handmill::router {
namespace {

TEST(Measures, LogprobsCarryBytes) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  api::Completion asked = plain("cde", 4);
  asked.logprobs = 2;
  asked.prompt_logprobs = asked.echo = true;
  asked.choices = 2;
  Answer answer;
  const auto ticket = router->submit(asked, 0, answer.sink());
  ASSERT_TRUE(answer.wait());
  ASSERT_TRUE(answer.end.has_value()) << answer.fault->message;
  for (int choice = 0; choice < 2; ++choice) {
    const auto& logprobs = answer.logprobs[choice];
    ASSERT_EQ(logprobs.size(), 4u);
    std::string bytes;
    for (const api::TokenLogprob& one : logprobs) {
      bytes += one.chosen.bytes;
      ASSERT_EQ(one.top.size(), 2u);
      EXPECT_EQ(one.top[0].token, one.chosen.token) << "greedy";
      EXPECT_LE(one.chosen.logprob, 0);
      EXPECT_GE(one.top[0].logprob, one.top[1].logprob);
      EXPECT_FALSE(one.top[1].bytes.empty());
    }
    EXPECT_EQ(bytes.size(), 4u) << "a byte a token";
    const auto& prompt = answer.choice_ends[choice].prompt_logprobs;
    ASSERT_EQ(prompt.size(), 3u);
    EXPECT_EQ(prompt[0].chosen.bytes, "c");
    EXPECT_TRUE(std::isnan(prompt[0].chosen.logprob));
    EXPECT_EQ(prompt[2].chosen.bytes, "e");
    EXPECT_LT(prompt[2].chosen.logprob, 0);
  }
  asked.logprobs = 21;
  Answer too_many;
  const auto other = router->submit(asked, 0, too_many.sink());
  ASSERT_TRUE(too_many.wait());
  EXPECT_EQ(too_many.fault->param, "logprobs");
}

TEST(Measures, CachedTokensCountOncePerPrompt) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  api::Completion asked = plain(std::string(130, 'x'), 2);
  for (const int cached : {0, 128}) {
    Answer answer;
    const auto ticket = router->submit(asked, 0, answer.sink());
    ASSERT_TRUE(answer.wait());
    EXPECT_EQ(answer.start->usage.cached_tokens, cached) << "known from the first token on";
    EXPECT_EQ(answer.end->usage.prompt_tokens, 130);
    EXPECT_EQ(answer.end->usage.cached_tokens, cached);
    asked.choices = 3;
  }
}

TEST(Measures, ARequestsOwnContextEndsIt) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  api::Completion asked = plain("cde", -1);
  asked.context = 10;
  Answer answer;
  const auto ticket = router->submit(asked, 0, answer.sink());
  ASSERT_TRUE(answer.wait());
  EXPECT_EQ(answer.choice_ends[0].finish, api::Finish::kContext);
  EXPECT_EQ(answer.end->usage.completion_tokens, 7);  // with the prompt ten
}

/// The sink's one call, waited for.
struct Vectors {
  std::mutex mutex;
  std::optional<std::variant<EmbeddingAnswer, api::Fault>> told;
  EmbeddingSink sink() {
    return [this](auto answer) {
      const std::lock_guard lock(mutex);
      EXPECT_FALSE(told.has_value());
      told = std::move(answer);
    };
  }
  bool wait() {
    return eventually([this] {
      const std::lock_guard lock(mutex);
      return told.has_value();
    });
  }
  const EmbeddingAnswer& answer() { return std::get<EmbeddingAnswer>(*told); }
  const api::Fault& fault() { return std::get<api::Fault>(*told); }
};

double length(const std::vector<float>& vector) {
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(squares);
}

TEST(Measures, EmbedsEveryInputInOrder) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  api::Embedding asked;
  asked.inputs = {std::string("hello"), std::vector<text::Token>{'h', 'e', 'l', 'l', 'o'},
                  std::string("other")};
  Vectors all;
  const auto ticket = router->submit(asked, 0, all.sink());
  ASSERT_TRUE(all.wait());
  ASSERT_EQ(all.answer().vectors.size(), 3u);
  EXPECT_EQ(all.answer().vectors[0].size(), 64u);
  EXPECT_EQ(all.answer().vectors[0], all.answer().vectors[1]);
  EXPECT_NE(all.answer().vectors[0], all.answer().vectors[2]);
  EXPECT_NEAR(length(all.answer().vectors[2]), 1, 1e-5);
  EXPECT_EQ(all.answer().usage.prompt_tokens, 15);

  asked.dimensions = 16;
  Vectors few;
  const auto other = router->submit(asked, 0, few.sink());
  ASSERT_TRUE(few.wait());
  EXPECT_EQ(few.answer().vectors[0].size(), 16u);
  EXPECT_NEAR(length(few.answer().vectors[0]), 1, 1e-5);
}

TEST(Measures, AnEmbeddingsFaultsAndCancellation) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  api::Embedding asked;
  asked.inputs = {std::string(300, 'x')};
  Vectors long_one, cut, gone;
  auto ticket = router->submit(asked, 0, long_one.sink());
  ASSERT_TRUE(long_one.wait());
  EXPECT_EQ(long_one.fault().message, "the prompt has 300 tokens; the context has room for 256");
  asked.truncate = true;
  ticket = router->submit(asked, 0, cut.sink());
  ASSERT_TRUE(cut.wait());
  EXPECT_EQ(cut.answer().usage.prompt_tokens, 256);
  asked.inputs.assign(200, std::string(200, 'x'));
  ticket = router->submit(asked, 0, gone.sink());
  ticket.reset();
  ASSERT_TRUE(gone.wait());
  EXPECT_TRUE(eventually([&] { return router->idle(); }));
}

}  // namespace
}  // namespace handmill::router
