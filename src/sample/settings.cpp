// The ranges of the settings, in one table: what is outside, NaN included, is an error that names
// the field.
#include <cmath>
#include <limits>

#include "base/error.h"
#include "sample/candidates.h"
#include "sample/sampler.h"

namespace handmill::sample {
namespace {

struct Range {
  const char* field;
  float value;
  float low, high;  // both allowed; float, as the settings are: 0.01 is then 0.01
};

Status check(const Range& range) {
  if (range.value >= range.low && range.value <= range.high) return {};
  if (std::isinf(range.high))
    return base::invalid("{} is {}; it must be at least {}", range.field, range.value, range.low);
  return base::invalid("{} is {}; it must be from {} to {}", range.field, range.value, range.low,
                       range.high);
}

Status check_bias(const Settings& settings, int vocab_size) {
  for (const auto& [token, bias] : settings.logit_bias) {
    if (token < 0 || token >= vocab_size)
      return base::invalid("logit_bias names token {}; the vocabulary has tokens 0 to {}", token,
                           vocab_size - 1);
    if (std::isnan(bias) || bias == std::numeric_limits<float>::infinity())
      return base::invalid("logit_bias of token {} is {}; it must be a number or -inf", token,
                           bias);
  }
  return {};
}

}  // namespace

Status validate_ranges(const Settings& settings) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Range ranges[] = {
      {"temperature", settings.temperature, 0.0f, 100.0f},
      {"top_k", static_cast<float>(settings.top_k), 0.0f, kInfinity},
      {"top_p", settings.top_p, 0.0f, 1.0f},
      {"min_p", settings.min_p, 0.0f, 1.0f},
      {"typical_p", settings.typical_p, 0.0f, 1.0f},
      {"repeat_penalty", settings.repeat_penalty, 0.01f, 100.0f},
      {"presence_penalty", settings.presence_penalty, -100.0f, 100.0f},
      {"frequency_penalty", settings.frequency_penalty, -100.0f, 100.0f},
      {"penalty_last_n", static_cast<float>(settings.penalty_last_n), -1.0f, kInfinity},
      {"mirostat_tau", settings.mirostat_tau, 0.0f, 40.0f},
      {"mirostat_eta", settings.mirostat_eta, 0.0f, 1.0f},
  };
  for (const Range& range : ranges) HANDMILL_OK(check(range));
  return {};
}

Status validate(const Settings& settings, int vocab_size) {
  if (vocab_size < 1 || vocab_size > kMaxVocab)
    return base::limit("a vocabulary of {} tokens cannot be sampled; from 1 to {} can", vocab_size,
                       kMaxVocab);
  HANDMILL_OK(validate_ranges(settings));
  return check_bias(settings, vocab_size);
}

}  // namespace handmill::sample
