// A task without a model: it says what it is told, so many tokens. For the scheduler's tests.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "engine/task.h"

namespace handmill::engine {

class TestTask final : public Task {
 public:
  using Ended = std::function<void(Finish)>;
  TestTask(RequestId id, std::vector<text::Token> prompt, const Terms& terms, int answer,
           Ended ended)
      : Task(id, std::move(prompt), terms), answer_(answer), told_(std::move(ended)) {}

  /// Its next token. REQUIRES: none is pending.
  void say(text::Token token) {
    tokens_.push_back(token);
    if (++timings_.generated_tokens == answer_) {
      end(Finish::kLength);
    } else if (length() > terms_.positions_max) {
      end(Finish::kContext);
    }
  }
  void end(Finish finish, std::string = {}) override {
    ended_ = true;
    told_(finish);
  }

 private:
  int length_max() const override {
    return std::min(timings_.prompt_tokens + answer_, terms_.positions_max + 1);
  }

  const int answer_;
  const Ended told_;
};

}  // namespace handmill::engine
