// A request's tokens and text are the same alone and among others, at any thread count and
// chunking, with the prefix cache hot or cold, and when it was preempted on the way.
#include <cstring>
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

class EngineInvariance : public testing::TestWithParam<Case> {
 protected:
  TinyModel tiny() const { return {.architecture = GetParam().architecture}; }
  Options options(int threads, int chunk, int context = 2048) const {
    return {.threads = threads, .kv = GetParam().kv, .context = context, .prefill_chunk = chunk};
  }
};

TEST_P(EngineInvariance, ThreadsAndChunks) {
  std::optional<Answer> greedy, lively;
  for (const auto& [threads, chunk] :
       {std::pair{1, 512}, {1, 64}, {1, 7}, {1, 1}, {2, 512}, {2, 64}, {2, 7}, {2, 1}, {3, 64}}) {
    TestEngine engine(tiny(), options(threads, chunk));
    const Answer a = engine.ask(request(random_prompt(100, 3), 20));
    const Answer b = engine.ask(request(random_prompt(100, 4), 20, false));
    if (!greedy) greedy = a, lively = b;
    const std::string what = fmt::format("{} threads, chunks of {}", threads, chunk);
    expect_same(*greedy, a, what);
    expect_same(*lively, b, what);
  }
  EXPECT_EQ(lively->tokens.size(), 20u);
}

TEST_P(EngineInvariance, ScoresOfEveryChunk) {
  const auto tokens = random_prompt(530, 9);
  std::vector<float> expected;
  for (int chunk : {512, 64, 7, 1}) {
    TestEngine engine(tiny(), options(2, chunk));
    std::vector<float> all;
    // Rows depend on what precedes them alone, so small chunks need only the text's beginning.
    const size_t n = chunk < 64 ? 140 : tokens.size();
    const auto add = [&](size_t, std::span<const float> row) {
      all.insert(all.end(), row.begin(), row.end());
    };
    ASSERT_TRUE(engine->score(std::span(tokens).first(n), add).ok());
    if (expected.empty()) expected = all;
    ASSERT_EQ(all.size(), n * 300);
    EXPECT_EQ(std::memcmp(all.data(), expected.data(), all.size() * sizeof(float)), 0)
        << "chunks of " << chunk;
  }
}

TEST_P(EngineInvariance, AmongSixteenAndPreempted) {
  std::vector<Request> requests;
  for (uint32_t i = 0; i < 16; ++i)
    requests.push_back(
        request(random_prompt(5 + 9 * i, i), 20 + static_cast<int>(i), i % 2 == 0, i));
  std::vector<Answer> alone;
  {
    TestEngine engine(tiny(), options(2, 512));
    for (const Request& request : requests) {
      engine->clear_cache();
      alone.push_back(engine.ask(request));
    }
  }
  // With room for all; with so little that sequences must give way; in small chunks.
  for (const Options& o : {options(2, 512, 4096), options(1, 64, 320), options(2, 17, 512)}) {
    TestEngine engine(tiny(), o);
    std::vector<RequestId> ids;
    for (const Request& request : requests) ids.push_back(engine.submit(request));
    engine->drain();
    for (size_t i = 0; i < ids.size(); ++i)
      expect_same(alone[i], engine.answer(ids[i]),
                  fmt::format("request {}, context {}, chunk {}", i, o.context, o.prefill_chunk));
  }
}

TEST_P(EngineInvariance, AmongSixteenWithOnePrefix) {
  std::vector<Request> requests;
  for (uint32_t i = 0; i < 16; ++i) {
    auto prompt = random_prompt(200, 77);
    for (text::Token token : random_prompt(3 + 8 * i, i)) prompt.push_back(token);
    requests.push_back(request(std::move(prompt), i % 2 == 0 ? 110 : 20, i % 2 == 0, i));
    requests.back().priority = static_cast<int>(i % 3);
    requests.back().owner = i % 4;
    requests.back().logprobs = i % 2 == 0 ? 1 : -1;
    requests.back().prompt_logprobs = i == 5;
  }
  std::vector<Answer> alone;
  {
    TestEngine engine(tiny(), options(2, 512));
    for (const Request& request : requests) {
      engine->clear_cache();
      alone.push_back(engine.ask(request));
    }
  }
  uint64_t preemptions = 0;
  for (const Options& o : {options(2, 512, 4096), options(1, 64, 512), options(2, 17, 448)}) {
    TestEngine engine(tiny(), o);
    for (const char* cache : {"cold", "hot"}) {
      std::vector<RequestId> ids;
      for (const Request& request : requests) ids.push_back(engine.submit(request));
      engine.submit(EmbedRequest{.tokens = random_prompt(300, 77)});
      engine->drain();
      int cached = 0;
      for (size_t i = 0; i < ids.size(); ++i) {
        expect_same(alone[i], engine.answer(ids[i]),
                    fmt::format("request {}, context {}, chunk {}, {}", i, o.context,
                                o.prefill_chunk, cache));
        cached += engine.answer(ids[i]).timings.cached_tokens;
      }
      EXPECT_GE(cached, 10 * 192) << "computed once, and found by the others";
    }
    preemptions += engine->stats().preemptions;
    EXPECT_EQ(engine->stats().kv_free, engine->stats().kv_blocks);
  }
  EXPECT_GT(preemptions, 0u);
}

TEST_P(EngineInvariance, PrefixCacheHotOrCold) {
  TestEngine engine(tiny(), options(2, 100));
  const auto prompt = random_prompt(200, 21);
  const Answer cold = engine.ask(request(prompt, 40, false));
  EXPECT_EQ(cold.timings.cached_tokens, 0);
  const Answer hot = engine.ask(request(prompt, 40, false));
  EXPECT_EQ(hot.timings.cached_tokens, 192);
  expect_same(cold, hot, "hot");
  engine->clear_cache();
  const Answer again = engine.ask(request(prompt, 40, false));
  EXPECT_EQ(again.timings.cached_tokens, 0);
  expect_same(cold, again, "cleared");
}

constexpr Case kCases[] = {{"llama", KvType::kF16},
                           {"qwen2", KvType::kQ8_0},
                           {"qwen3", KvType::kF16},
                           {"gemma3", KvType::kF16},
                           {"gemma3", KvType::kQ8_0}};
INSTANTIATE_TEST_SUITE_P(Each, EngineInvariance, testing::ValuesIn(kCases), [](const auto& test) {
  return std::string(test.param.architecture) + (test.param.kv == KvType::kF16 ? "_f16" : "_q8_0");
});

TEST(PrefixCache, LeavesTheLastTokenToCompute) {
  TestEngine engine(TinyModel{});
  const auto prompt = random_prompt(128, 2);
  engine.ask(request(prompt, 5));
  EXPECT_EQ(engine.ask(request(prompt, 5)).timings.cached_tokens, 64);
}

TEST(PrefixCache, HoldsAnswersToo) {
  TestEngine engine(TinyModel{});
  auto prompt = random_prompt(60, 2);
  const Answer first = engine.ask(request(prompt, 80));
  prompt.insert(prompt.end(), first.tokens.begin(), first.tokens.end());
  EXPECT_EQ(engine.ask(request(prompt, 5)).timings.cached_tokens, 128) << "of 140";
}

TEST(PrefixCache, DifferentFirstTokensShareNothing) {
  TestEngine engine(TinyModel{});
  auto prompt = random_prompt(200, 2);
  engine.ask(request(prompt, 5));
  prompt[0] ^= 1;
  EXPECT_EQ(engine.ask(request(prompt, 5)).timings.cached_tokens, 0);
}

}  // namespace
}  // namespace handmill::engine
