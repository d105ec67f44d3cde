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
  Request wanted = request(engine->tokenizer()->encode(kPrompt, {.special = true}), 32);
  wanted.sampling.repeat_penalty = 1;
  const Answer answer = engine.ask(wanted);
  EXPECT_NE(answer.text.find("Paris"), std::string::npos) << answer.text;
  EXPECT_EQ(answer.finish, Finish::kStop) << answer.text;
}

TEST_F(RealModel, EqualBitsAtEveryThreadCountAndChunk) {
  for (const auto kv : {backend::KvType::kF16, backend::KvType::kQ8_0}) {
    std::vector<float> expected;
    std::vector<text::Token> tokens, answer;
    for (const auto& [threads, chunk] :
         {std::pair{2, 512}, {2, 64}, {2, 7}, {2, 1}, {1, 512}, {1, 64}, {1, 7}, {1, 1}}) {
      TestEngine engine = open(threads, chunk, kv);
      ASSERT_TRUE(engine.ok());
      if (tokens.empty()) {
        tokens = engine->tokenizer()->encode(kPrompt, {.special = true});
        const auto more = random_prompt(90 - tokens.size(), 1, engine->tokenizer()->vocab_size());
        tokens.insert(tokens.end(), more.begin(), more.end());
      }
      std::vector<float> logits;
      const Status scored = engine->score(tokens, [&](size_t, std::span<const float> row) {
        logits.insert(logits.end(), row.begin(), row.end());
      });
      ASSERT_TRUE(scored.ok()) << scored.error().message;
      const Answer now = engine.ask(request(tokens, 8));
      if (expected.empty()) expected = logits, answer = now.tokens;
      ASSERT_EQ(logits.size(), expected.size());
      EXPECT_EQ(std::memcmp(logits.data(), expected.data(), logits.size() * sizeof(float)), 0)
          << threads << " threads, chunks of " << chunk;
      EXPECT_EQ(now.tokens, answer) << threads << " threads, chunks of " << chunk;
    }
  }
}

}  // namespace
}  // namespace handmill::engine
