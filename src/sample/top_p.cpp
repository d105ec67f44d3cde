// Nucleus sampling: the likeliest tokens first, up to a share of the distribution.
#include "sample/steps.h"

namespace handmill::sample {

void top_p(const Settings& settings, Candidates& candidates) {
  if (settings.top_p >= 1.0f) return;
  candidates.need_weights();
  const auto logits = candidates.logits();
  candidates.keep_least(settings.top_p, [&](size_t i) { return -logits[i]; });
}

}  // namespace handmill::sample
