// The invariances on a model that people use: SmolLM2-135M-Instruct, in the folder that
// HANDMILL_MODELS names. Skipped without it, unless HANDMILL_REQUIRE_MODELS is set.
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "engine/test_engine.h"

namespace handmill::engine {
namespace {

constexpr const char* kPrompt =
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
    "<|im_end|>\n<|im_start|>user\nWhat is the capital of "
    "France?<|im_end|>\n<|im_start|>assistant\n";

class RealModel : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HANDMILL_MODELS");
    const std::string path =
        std::string(folder != nullptr ? folder : "") + "/smollm2-135m-instruct-q4_1.gguf";
    if (folder == nullptr || !std::filesystem::exists(path)) {
      if (std::getenv("HANDMILL_REQUIRE_MODELS") != nullptr) FAIL() << "no model at " << path;
      GTEST_SKIP() << "HANDMILL_MODELS names no folder with smollm2-135m-instruct-q4_1.gguf";
    }
    auto file = gguf::File::open(path);
    ASSERT_TRUE(file.ok()) << file.error().message;
    file_ = std::make_shared<const gguf::File>(std::move(*file));
  }
  TestEngine open(int threads, int chunk, backend::KvType kv = backend::KvType::kF16) {
    return TestEngine(file_,
                      {.threads = threads, .kv = kv, .context = 2048, .prefill_chunk = chunk});
  }
  std::shared_ptr<const gguf::File> file_;
};

TEST_F(RealModel, NamesParis) {
  TestEngine engine = open(2, 512);
  ASSERT_TRUE(engine.ok());
  // The answer's beginning is given: on its own, two ways to begin are as likely as each other.
  const std::string prompt = std::string(kPrompt) + "The capital of France is";
  Request wanted = request(engine->tokenizer()->encode(prompt, {.special = true}), 32);
  wanted.sampling.repeat_penalty = 1;
  const Answer answer = engine.ask(wanted);
  EXPECT_EQ(answer.text, " Paris.");
  EXPECT_EQ(answer.finish, Finish::kStop);
}

struct Scores {
  std::vector<float> logits;
  std::vector<text::Token> answer;
  bool operator==(const Scores& other) const {
    return answer == other.answer && logits.size() == other.logits.size() &&
           std::memcmp(logits.data(), other.logits.data(), logits.size() * sizeof(float)) == 0;
  }
};

Scores scores_of(TestEngine& engine) {
  Scores scores;
  auto tokens = engine->tokenizer()->encode(kPrompt, {.special = true});
  const auto more = random_prompt(70 - tokens.size(), 1, engine->tokenizer()->vocab_size());
  tokens.insert(tokens.end(), more.begin(), more.end());
  const Status scored = engine->score(tokens, [&](size_t, std::span<const float> row) {
    scores.logits.insert(scores.logits.end(), row.begin(), row.end());
  });
  EXPECT_TRUE(scored.ok());
  scores.answer = engine.ask(request(tokens, 8)).tokens;
  return scores;
}

TEST_F(RealModel, EqualBitsAtEveryThreadCountAndChunk) {
  std::optional<Scores> expected;
  for (int threads : {2, 1})
    for (int chunk : {512, 64, 7, 1}) {
      TestEngine engine = open(threads, chunk);
      ASSERT_TRUE(engine.ok());
      const Scores scores = scores_of(engine);
      if (!expected) expected = scores;
      EXPECT_EQ(scores.answer.size(), 8u);
      EXPECT_TRUE(scores == *expected) << threads << " threads, chunks of " << chunk;
    }
}

TEST_F(RealModel, EqualBitsWithAQuantizedCache) {
  TestEngine one = open(2, 512, backend::KvType::kQ8_0);
  TestEngine other = open(1, 1, backend::KvType::kQ8_0);
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_TRUE(scores_of(one) == scores_of(other));
}

}  // namespace
}  // namespace handmill::engine
