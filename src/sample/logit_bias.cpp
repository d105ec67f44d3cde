// Logit bias: the caller's own push for or against single tokens.
#include "sample/steps.h"

namespace handmill::sample {

void add_logit_bias(const Settings& settings, std::span<float> logits) {
  for (const auto& [token, bias] : settings.logit_bias) logits[static_cast<size_t>(token)] += bias;
}

}  // namespace handmill::sample
