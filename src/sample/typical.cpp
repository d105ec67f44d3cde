// Locally typical sampling: the tokens that surprise as much as the distribution does on average.
#include <cmath>

#include "sample/steps.h"

namespace handmill::sample {

void typical(const Settings& settings, Candidates& candidates) {
  if (settings.typical_p >= 1.0f) return;
  candidates.need_weights();
  const auto logits = candidates.logits();
  const auto weights = candidates.weights();
  const double largest = candidates.largest_logit();
  const auto total = static_cast<double>(candidates.total_weight());
  // A token's surprise is log(total) - (logit - largest) and the entropy is the mean surprise, so
  // log(total) drops out of their difference.
  double mean = 0.0;  // of logit - largest
  for (size_t i = 0; i < candidates.size(); ++i)
    mean += static_cast<double>(weights[i]) / total * (logits[i] - largest);
  candidates.keep_least(settings.typical_p, [&](size_t i) {
    return static_cast<float>(std::abs(logits[i] - largest - mean));
  });
}

}  // namespace handmill::sample
