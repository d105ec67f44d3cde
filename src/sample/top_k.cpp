// Top-k by a threshold that rises: one pass over the vocabulary collects what beats the k-th best
// seen so far, and a full buffer is cut back to k. Nothing of the vocabulary's size is sorted.
#include <algorithm>
#include <cmath>
#include <limits>

#include "sample/steps.h"

namespace handmill::sample {
namespace {

constexpr size_t kBlock = 16;  // logits that one vectorized comparison skips together

bool better(const Scored& a, const Scored& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

bool any_above(const float* logits, float threshold) {
  int above = 0;
  for (size_t i = 0; i < kBlock; ++i) above |= logits[i] > threshold;
  return above != 0;
}

void take_all(std::span<const float> logits, Candidates& out) {
  out.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    if (!std::isinf(logits[i])) out.add(static_cast<Token>(i), logits[i]);
}

/// `scratch` is in any order.
void take(std::vector<Scored>& scratch, Candidates& out) {
  std::sort(scratch.begin(), scratch.end(),
            [](const Scored& a, const Scored& b) { return a.id < b.id; });
  for (const Scored& scored : scratch) out.add(scored.id, scored.logit);
}

}  // namespace

void take_largest(std::span<const Scored> largest, std::vector<Scored>& scratch, Candidates& out) {
  out.clear();
  scratch.clear();
  for (const Scored& scored : largest)
    if (!std::isinf(scored.logit)) scratch.push_back(scored);
  take(scratch, out);
}

void top_k(std::span<const float> logits, int k, std::vector<Scored>& scratch, Candidates& out) {
  out.clear();
  const auto wanted = static_cast<size_t>(k);
  if (k == 0 || wanted >= logits.size()) return take_all(logits, out);

  // A later token with a logit equal to the threshold has a higher id, so "above" alone decides.
  float threshold = -std::numeric_limits<float>::infinity();
  const size_t full = std::max<size_t>(2 * wanted, 128);
  scratch.clear();
  scratch.reserve(full);
  const auto cut_back = [&] {
    if (scratch.size() <= wanted) return;
    std::nth_element(scratch.begin(), scratch.begin() + k - 1, scratch.end(), better);
    scratch.resize(wanted);
    threshold = scratch.back().logit;
  };
  for (size_t start = 0; start < logits.size(); start += kBlock) {
    const size_t end = std::min(start + kBlock, logits.size());
    if (end - start == kBlock && !any_above(&logits[start], threshold)) continue;
    for (size_t i = start; i < end; ++i) {
      if (!(logits[i] > threshold)) continue;
      scratch.push_back({logits[i], static_cast<Token>(i)});
      if (scratch.size() == full) cut_back();
    }
  }
  cut_back();
  take(scratch, out);
}

}  // namespace handmill::sample
