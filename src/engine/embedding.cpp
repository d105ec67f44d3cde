#include "engine/embedding.h"

#include <algorithm>
#include <cmath>

namespace handmill::engine {

using model::Pooling;

Embedding::Embedding(RequestId id, EmbedRequest request, EmbedSink sink, int positions_max,
                     Pooling pooling, int width)
    : Task(id, std::move(request.tokens),
           {.positions_max = positions_max,
            .priority = request.priority,
            .owner = request.owner,
            .reuses = pooling == Pooling::kLast}),
      pooling_(pooling),
      sink_(std::move(sink)),
      sum_(static_cast<size_t>(width)) {}

void Embedding::add(int position, std::span<const float> state) {
  if (position == 0) std::ranges::fill(sum_, 0);
  if (pooling_ == Pooling::kFirst && position > 0) return;
  if (pooling_ == Pooling::kLast && position + 1 < length()) return;
  for (size_t i = 0; i < sum_.size(); ++i) sum_[i] += state[i];
}

/// The mean and the sum have one direction.
void Embedding::finish() {
  double square = 0;
  for (const double value : sum_) square += value * value;
  const double norm = std::sqrt(square);
  if (!std::isfinite(norm) || norm == 0)
    return end(Finish::kError, "the model's hidden states are not finite numbers");
  EmbedEvent event;
  for (const double value : sum_) event.vector.push_back(static_cast<float>(value / norm));
  timings_.ttft_s = seconds(Clock::now() - submitted_);
  timings_.prefill_s = seconds(Clock::now() - scheduled_);
  ended_ = true;
  event.id = id_;
  event.finish = Finish::kStop;
  event.timings = timings_;
  if (sink_) sink_(event);
}

void Embedding::end(Finish finish, std::string error) {
  ended_ = true;
  EmbedEvent event;
  event.id = id_;
  event.finish = finish;
  event.error = std::move(error);
  event.timings = timings_;
  if (sink_) sink_(event);
}

}  // namespace handmill::engine
