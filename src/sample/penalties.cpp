// Repeat, presence and frequency penalties over the latest tokens. A step costs the window's
// length, not the vocabulary's, and allocates nothing.
#include <limits>

#include "sample/steps.h"

namespace handmill::sample {
namespace {

size_t window_of(const Settings& settings) {
  if (penalties_are_neutral(settings)) return 0;
  if (settings.penalty_last_n < 0) return std::numeric_limits<size_t>::max();
  return static_cast<size_t>(settings.penalty_last_n);
}

}  // namespace

bool penalties_are_neutral(const Settings& settings) {
  return settings.penalty_last_n == 0 ||
         (settings.repeat_penalty == 1.0f && settings.presence_penalty == 0.0f &&
          settings.frequency_penalty == 0.0f);
}

Penalties::Penalties(const Settings& settings, int vocab_size)
    : repeat_(settings.repeat_penalty),
      presence_(settings.presence_penalty),
      frequency_(settings.frequency_penalty),
      window_(window_of(settings)) {
  if (window_ > 0) count_.resize(static_cast<size_t>(vocab_size));
}

void Penalties::accept(Token token) {
  if (token < 0 || static_cast<size_t>(token) >= count_.size()) return;
  ++count_[static_cast<size_t>(token)];
  if (latest_.size() < window_) {
    latest_.push_back(token);
    return;
  }
  --count_[static_cast<size_t>(latest_[oldest_])];
  latest_[oldest_] = token;
  oldest_ = (oldest_ + 1) % window_;
}

void Penalties::apply(std::span<float> logits) {
  // A token may stand in the window several times; a negated count marks it as done.
  for (Token token : latest_) {
    const auto i = static_cast<size_t>(token);
    if (count_[i] <= 0) continue;
    float& logit = logits[i];
    logit = logit > 0.0f ? logit / repeat_ : logit * repeat_;
    logit -= presence_ + frequency_ * static_cast<float>(count_[i]);
    count_[i] = -count_[i];
  }
  for (Token token : latest_) {
    int32_t& count = count_[static_cast<size_t>(token)];
    if (count < 0) count = -count;
  }
}

}  // namespace handmill::sample
