// Embeddings against the definition. The test model's output matrix begins with the identity, so
// that the logits which score() gives are the hidden states themselves.
#include <cmath>
#include <fmt/format.h>

#include "engine/test_engine.h"

namespace handmill::engine {
namespace {

using model::TinyModel;

TinyModel seen_through(const char* architecture, int pooling) {
  TinyModel tiny{.architecture = architecture, .tied = false, .types = {tensor::Type::kF32}};
  tiny.spoil = [](const std::string& name, std::vector<float>& values) {
    if (name != "output.weight") return;
    for (size_t row = 0; row < 64; ++row)
      for (size_t col = 0; col < 64; ++col) values[row * 64 + col] = row == col ? 1.0f : 0.0f;
  };
  tiny.change = [=](gguf::Writer& writer) {
    if (pooling >= 0)
      writer.set(std::string(architecture) + ".pooling_type", static_cast<uint32_t>(pooling));
  };
  return tiny;
}

std::vector<double> reference(Engine& engine, std::span<const text::Token> tokens, int pooling) {
  std::vector<double> sum(64);
  const Status scored = engine.score(tokens, [&](size_t i, std::span<const float> hidden) {
    if (pooling == 2 && i > 0) return;
    if (pooling == 3 && i + 1 < tokens.size()) return;
    for (size_t c = 0; c < 64; ++c) sum[c] += hidden[c];
  });
  EXPECT_TRUE(scored.ok());
  double square = 0;
  for (double value : sum) square += value * value;
  for (double& value : sum) value /= std::sqrt(square);
  return sum;
}

struct Case {
  const char* architecture;
  int pooling;  // of the file; -1: not said
};
class EmbeddingOf : public testing::TestWithParam<Case> {};

TEST_P(EmbeddingOf, IsThePooledStateAtUnitLength) {
  const auto [architecture, pooling] = GetParam();
  TestEngine engine(seen_through(architecture, pooling), TestEngine::defaults());
  EXPECT_EQ(engine->width(), 64);
  for (const size_t length : {1, 5, 64, 200}) {
    const auto tokens = random_prompt(length, 9);
    const RequestId id = engine.submit(EmbedRequest{.tokens = tokens});
    engine->drain();
    const EmbedEvent& event = engine.vector(id);
    EXPECT_EQ(event.finish, Finish::kStop);
    EXPECT_EQ(event.timings.prompt_tokens, static_cast<int>(length));
    ASSERT_EQ(event.vector.size(), 64u);
    const auto expected = reference(*engine.operator->(), tokens, pooling);
    double square = 0;
    for (size_t i = 0; i < 64; ++i) {
      EXPECT_NEAR(event.vector[i], expected[i], 1e-5) << length << " tokens, " << i;
      square += double{event.vector[i]} * event.vector[i];
    }
    EXPECT_NEAR(square, 1, 1e-6);
  }
}

TEST_P(EmbeddingOf, IsTheSameAloneInABatchAndInChunks) {
  const auto [architecture, pooling] = GetParam();
  std::vector<std::vector<text::Token>> texts;
  for (uint32_t i = 0; i < 6; ++i) texts.push_back(random_prompt(10 + 40 * i, 40 + i / 2));
  std::vector<std::vector<float>> alone;
  {
    TestEngine engine(seen_through(architecture, pooling), TestEngine::defaults());
    for (const auto& text : texts) {
      engine->clear_cache();
      const RequestId id = engine.submit(EmbedRequest{.tokens = text});
      engine->drain();
      alone.push_back(engine.vector(id).vector);
    }
  }
  for (const auto& [threads, chunk, context] :
       {std::tuple{2, 512, 4096}, {1, 64, 256}, {2, 17, 320}, {1, 1, 4096}}) {
    TestEngine engine(seen_through(architecture, pooling),
                      {.threads = threads, .context = context, .prefill_chunk = chunk});
    std::vector<RequestId> ids;
    engine.submit(request(random_prompt(30, 1), 60));  // and an answer among them
    engine->step();
    for (const auto& text : texts) ids.push_back(engine.submit(EmbedRequest{.tokens = text}));
    engine->drain();
    for (size_t i = 0; i < ids.size(); ++i)
      EXPECT_EQ(engine.vector(ids[i]).vector, alone[i])
          << fmt::format("text {}, chunk {}, context {}", i, chunk, context);
  }
}

constexpr Case kCases[] = {{"llama", -1}, {"llama", 0},  {"qwen3", 1},
                           {"qwen2", 2},  {"gemma3", 3}, {"gemma3", -1}};
INSTANTIATE_TEST_SUITE_P(Each, EmbeddingOf, testing::ValuesIn(kCases), [](const auto& test) {
  return fmt::format("{}_{}", test.param.architecture,
                     test.param.pooling < 0 ? "none" : std::to_string(test.param.pooling));
});

TEST(Embedding, OnlyTheLastPositionCanBeFound) {
  for (const auto& [pooling, cached] : {std::pair{1, 0}, {3, 128}}) {
    TestEngine engine(seen_through("llama", pooling), TestEngine::defaults());
    EmbedEvent first;
    for (int i = 0; i < 2; ++i) {
      const RequestId id = engine.submit(EmbedRequest{.tokens = random_prompt(150, 1)});
      engine->drain();
      if (i == 0) first = engine.vector(id);
      EXPECT_EQ(engine.vector(id).vector, first.vector);
      EXPECT_EQ(engine.vector(id).timings.cached_tokens, i == 0 ? 0 : cached);
    }
  }
}

TEST(Embedding, BeginsAgainAfterItGaveWay) {
  const auto text = random_prompt(150, 3);
  TestEngine roomy(TinyModel{}, TestEngine::defaults());
  const RequestId alone = roomy.submit(EmbedRequest{.tokens = text});
  roomy->drain();
  TestEngine engine(
      TinyModel{},
      {.threads = 1, .context = 384, .prefill_chunk = 2, .speculate = Speculate::kOff});
  engine.submit(request(random_prompt(100, 1), 150));
  for (int i = 0; i < 60; ++i) engine->step();
  const RequestId id = engine.submit(EmbedRequest{.tokens = text});
  engine->drain();
  EXPECT_GT(engine->stats().preemptions, 0u);
  EXPECT_EQ(engine.vector(id).vector, roomy.vector(alone).vector);
}

TEST(Embedding, CanBeCancelledAndLeavesNothing) {
  TestEngine engine(TinyModel{}, {.threads = 1, .context = 512, .prefill_chunk = 64});
  const RequestId id = engine.submit(EmbedRequest{.tokens = random_prompt(300, 1)});
  ASSERT_TRUE(engine->step());
  EXPECT_LT(engine->stats().kv_free, 8);
  engine->cancel(id);
  ASSERT_TRUE(engine->step());
  EXPECT_EQ(engine.vector(id).finish, Finish::kCancelled);
  EXPECT_TRUE(engine.vector(id).vector.empty());
  EXPECT_EQ(engine->stats().kv_free, 8);
  EXPECT_FALSE(engine->step());
}

TEST(Embedding, WhatCannotBeIsAnError) {
  TestEngine engine(TinyModel{.context = 50}, TestEngine::defaults());
  EXPECT_EQ(engine->submit(EmbedRequest{}, {}).error().code, Code::kInvalid);
  EXPECT_EQ(engine->submit(EmbedRequest{.tokens = {300}}, {}).error().code, Code::kInvalid);
  const auto large = engine->submit(EmbedRequest{.tokens = random_prompt(51, 1)}, {});
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, Code::kLimit);
  EXPECT_NE(large.error().message.find("51 tokens"), std::string::npos);
  EXPECT_NE(large.error().message.find("50"), std::string::npos);
  const auto file = seen_through("llama", 4).open();
  const auto refused = Engine::open(file, TestEngine::defaults());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  EXPECT_NE(refused.error().message.find("pooling_type is 4"), std::string::npos)
      << refused.error().message;
}

TEST(Embedding, StatesThatAreNoNumbersAreAnError) {
  TinyModel tiny{.tied = false, .types = {tensor::Type::kF32}};
  tiny.spoil = [](const std::string& name, std::vector<float>& values) {
    if (name == "token_embd.weight") values[64 * 7] = NAN;
  };
  TestEngine engine(tiny, TestEngine::defaults());
  const RequestId bad = engine.submit(EmbedRequest{.tokens = {1, 7, 3}});
  const RequestId good = engine.submit(EmbedRequest{.tokens = {1, 2, 3}});
  engine->drain();
  EXPECT_EQ(engine.vector(bad).finish, Finish::kError);
  EXPECT_FALSE(engine.vector(bad).error.empty());
  EXPECT_TRUE(engine.vector(bad).vector.empty());
  EXPECT_EQ(engine.vector(good).finish, Finish::kStop);
}

}  // namespace
}  // namespace handmill::engine
