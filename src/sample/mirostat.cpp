// Mirostat 2: a feedback loop that holds the surprise of the drawn tokens near tau, in bits.
#include <algorithm>

#include "sample/portable_math.h"
#include "sample/steps.h"

namespace handmill::sample {
namespace {

double bits_of_surprise(uint64_t weight, double total) {
  return portable_log(total / static_cast<double>(weight)) / kLn2;
}

}  // namespace

Mirostat::Mirostat(const Settings& settings)
    : tau_(settings.mirostat_tau), eta_(settings.mirostat_eta), mu_(2.0 * tau_) {}

size_t Mirostat::draw(Candidates& candidates, Random& random) {
  const auto weights = candidates.weights();
  const auto total = static_cast<double>(candidates.total_weight());
  // surprise <= mu  <=>  weight >= total / 2^mu. The likeliest token stays, however low mu is.
  const double least =
      std::min(total * portable_exp(std::min(-mu_ * kLn2, 0.0)), static_cast<double>(kWeightOne));
  candidates.keep_if([&](size_t i) { return static_cast<double>(weights[i]) >= least; });

  const size_t drawn = sample::draw(candidates, random);
  const auto kept = static_cast<double>(candidates.total_weight());
  mu_ -= eta_ * (bits_of_surprise(candidates.weights()[drawn], kept) - tau_);
  return drawn;
}

}  // namespace handmill::sample
