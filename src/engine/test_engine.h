// An engine on a tiny model, and what came of its requests. For this room's tests.
#pragma once

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "model/tiny_model.h"

namespace handmill::engine {

/// Everything that a request's sink was told.
struct Answer {
  std::vector<text::Token> tokens;
  std::string text;
  std::optional<Finish> finish;
  std::string error, stop;
  Timings timings;
  std::vector<TokenLogprob> logprobs, prompt_logprobs;
};

class TestEngine {
 public:
  explicit TestEngine(const model::TinyModel& tiny, const Options& options = defaults())
      : TestEngine(tiny.open(), options) {}
  TestEngine(std::shared_ptr<const gguf::File> file, const Options& options) {
    auto engine = Engine::open(std::move(file), options);
    if (!engine.ok()) {
      ADD_FAILURE() << engine.error().message;
      return;
    }
    engine_ = std::move(*engine);
  }

  static Options defaults() { return {.threads = 2, .context = 2048}; }

  Engine* operator->() { return engine_.get(); }
  bool ok() const { return engine_ != nullptr; }

  /// Queues a request; its answer fills as the engine steps.
  RequestId submit(Request request) {
    auto answer = std::make_shared<Answer>();
    auto id = engine_->submit(std::move(request), [this, answer](const Event& event) {
      EXPECT_FALSE(answer->finish.has_value()) << "an event after the last";
      EXPECT_EQ(answers_[event.id], answer);
      order_.push_back(event.id);
      if (event.token != text::kNoToken) {
        answer->tokens.push_back(event.token);
        answer->logprobs.push_back(event.logprob);
      }
      if (!event.prompt_logprobs.empty()) {
        EXPECT_EQ(answer->tokens.size(), 1u);
        answer->prompt_logprobs = event.prompt_logprobs;
      }
      answer->text += event.text;
      answer->finish = event.finish;
      answer->error = event.error;
      answer->stop = event.stop;
      answer->timings = event.timings;
    });
    if (!id.ok()) {
      ADD_FAILURE() << id.error().message;
      return 0;
    }
    answers_[*id] = answer;
    return *id;
  }
  const Answer& answer(RequestId id) { return *answers_[id]; }
  RequestId submit(EmbedRequest request) {
    auto id = engine_->submit(std::move(request), [this](const EmbedEvent& event) {
      EXPECT_TRUE(event.finish.has_value());
      EXPECT_TRUE(vectors_.emplace(event.id, event).second) << "an event after the last";
    });
    EXPECT_TRUE(id.ok()) << id.error().message;
    return id.ok() ? *id : 0;
  }
  const EmbedEvent& vector(RequestId id) { return vectors_[id]; }
  const std::vector<RequestId>& order() const { return order_; }  // of all events

  /// One request, alone, to its end.
  Answer ask(Request request) {
    const RequestId id = submit(std::move(request));
    if (id == 0) return {};
    engine_->drain();
    EXPECT_TRUE(answer(id).finish.has_value());
    return answer(id);
  }

 private:
  std::unique_ptr<Engine> engine_;
  std::map<RequestId, std::shared_ptr<Answer>> answers_;
  std::map<RequestId, EmbedEvent> vectors_;
  std::vector<RequestId> order_;
};

inline std::vector<text::Token> random_prompt(size_t n, uint32_t seed, int vocab = 256) {
  std::mt19937 random(seed);
  std::vector<text::Token> tokens(n);
  for (text::Token& token : tokens)
    token = static_cast<text::Token>(random() % static_cast<unsigned>(vocab));
  return tokens;
}

/// Greedy, or lively sampling with a seed: both must come out the same however they are computed.
inline Request request(std::vector<text::Token> prompt, int max_tokens, bool greedy = true,
                       uint64_t seed = 1) {
  Request request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.sampling.temperature = greedy ? 0.0f : 1.0f;
  request.sampling.top_k = 0;
  request.sampling.top_p = 1;
  request.sampling.min_p = 0;
  request.sampling.repeat_penalty = 1.1f;  // counts tokens, so a token accepted twice is noticed
  request.sampling.seed = seed;
  return request;
}

/// A text of four letters, so that much of it was there before, and much is foreseen wrongly.
inline Request babble(size_t prompt, int max_tokens, uint32_t seed, bool greedy = false) {
  std::vector<text::Token> tokens = random_prompt(prompt, seed, 4);
  for (text::Token& token : tokens) token += 'A';
  Request wanted = request(std::move(tokens), max_tokens, greedy, seed);
  wanted.sampling.repeat_penalty = 1.02f;
  for (text::Token letter = 'A'; letter < 'E'; ++letter)
    wanted.sampling.logit_bias.emplace_back(letter, 60.0f);
  return wanted;
}

/// A model whose embedding has 320 rows, and a vocabulary of `tokens`.
inline model::TinyModel with_vocabulary(size_t tokens) {
  model::TinyModel tiny{.vocab = 320};
  tiny.change = [tokens](gguf::Writer& writer) {
    std::vector<std::string> texts;
    for (int i = 0; i < static_cast<int>(tokens); ++i)
      texts.push_back(i < 256 ? model::tiny::byte_text(i) : "[" + std::to_string(i) + "]");
    texts.back() = "ab";
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    writer.set_strings("tokenizer.ggml.tokens", views);
    writer.set_array<int32_t>("tokenizer.ggml.token_type", std::vector<int32_t>(tokens, 1));
  };
  return tiny;
}

inline void expect_same(const Answer& a, const Answer& b, const std::string& what) {
  EXPECT_EQ(a.tokens, b.tokens) << what;
  EXPECT_EQ(a.text, b.text) << what;
  EXPECT_EQ(a.finish, b.finish) << what;
  EXPECT_EQ(a.stop, b.stop) << what;
}

}  // namespace handmill::engine
