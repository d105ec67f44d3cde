// Min-p: a floor that follows the likeliest token. One comparison per candidate, no order needed.
#include <algorithm>

#include "sample/steps.h"

namespace handmill::sample {

void min_p(const Settings& settings, Candidates& candidates) {
  if (settings.min_p <= 0.0f) return;
  candidates.need_weights();
  const auto weights = candidates.weights();
  const uint64_t largest = *std::max_element(weights.begin(), weights.end());
  const double floor = static_cast<double>(settings.min_p) * static_cast<double>(largest);
  candidates.keep_if([&](size_t i) { return static_cast<double>(weights[i]) >= floor; });
}

}  // namespace handmill::sample
