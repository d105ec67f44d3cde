// Log-probabilities from logits, the same bits on every machine. Serves sequences.
#pragma once

#include <span>

#include "engine/engine.h"

namespace handmill::engine {

inline constexpr int kLogprobsMax = 20;

/// Writes `token`'s place in the distribution that `logits` [vocab] stand for, and the `top`
/// likeliest ones. A token outside the vocabulary has probability 0.
void find_logprobs(std::span<const float> logits, text::Token token, int top, TokenLogprob& out);

}  // namespace handmill::engine
