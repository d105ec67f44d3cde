// Temperature: below 1 sharpens the distribution, above 1 flattens it.
#include "sample/steps.h"

namespace handmill::sample {

void temperature(const Settings& settings, Candidates& candidates) {
  if (settings.temperature == 1.0f) return candidates.need_weights();
  candidates.weigh(settings.temperature);
}

}  // namespace handmill::sample
