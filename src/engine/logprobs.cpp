// log softmax: a sum in double, in the order of the vocabulary.
#include "engine/logprobs.h"

#include <algorithm>
#include <limits>

#include "sample/portable_math.h"

namespace handmill::engine {
namespace {

/// Keeps the `top` largest logits seen so far, sorted; they come in the order of their ids.
void insert(std::vector<Likely>& best, size_t top, Likely next) {
  if (best.size() == top && (top == 0 || !(next.logprob > best.back().logprob))) return;
  if (best.size() == top) best.pop_back();
  const auto place = std::ranges::find_if(
      best, [&](const Likely& likely) { return next.logprob > likely.logprob; });
  best.insert(place, next);
}

}  // namespace

void find_logprobs(std::span<const float> logits, text::Token token, int top, TokenLogprob& out) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += sample::portable_exp(logit - largest);
  const double log_sum = largest + sample::portable_log(sum);
  const auto logprob = [&](float logit) { return static_cast<float>(logit - log_sum); };

  const bool inside = token >= 0 && static_cast<size_t>(token) < logits.size();
  out.chosen = {token, inside ? logprob(logits[static_cast<size_t>(token)])
                              : -std::numeric_limits<float>::infinity()};
  out.top.clear();
  out.top.reserve(static_cast<size_t>(top));
  for (size_t i = 0; i < logits.size(); ++i)
    insert(out.top, static_cast<size_t>(top), {static_cast<text::Token>(i), logits[i]});
  for (Likely& likely : out.top) likely.logprob = logprob(likely.logprob);
}

}  // namespace handmill::engine
