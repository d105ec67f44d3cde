// Requests for measurements: pseudo-random tokens from a fixed seed, each new, so that the prefix
// cache finds nothing that was not put there on purpose.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "sample/random.h"
#include "text/tokenizer.h"

namespace handmill::measure {

using Tokens = std::vector<text::Token>;

class RandomTokens {
 public:
  explicit RandomTokens(const text::Tokenizer& tokenizer) {
    for (text::Token token = 0; token < tokenizer.vocab_size(); ++token)
      if (!tokenizer.is_control(token) && !tokenizer.is_end(token)) pool_.push_back(token);
  }

  bool empty() const { return pool_.empty(); }
  /// REQUIRES: !empty()
  Tokens draw(int count) {
    Tokens tokens;
    for (int i = 0; i < count; ++i)
      tokens.push_back(pool_[sample::split_mix(state_) % pool_.size()]);
    return tokens;
  }

 private:
  Tokens pool_;  // tokens that a prompt may hold: no control tokens
  uint64_t state_ = 0x9e3779b97f4a7c15;
};

/// Greedy, and on past an end token to its full length.
inline engine::Request bench_request(Tokens prompt, int answer) {
  engine::Request request;
  request.prompt = std::move(prompt);
  request.sampling.temperature = 0;
  request.max_tokens = answer;
  request.ignore_end = true;
  return request;
}

}  // namespace handmill::measure
