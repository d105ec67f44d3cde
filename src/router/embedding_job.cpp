#include "router/embedding_job.h"

#include <algorithm>
#include <cmath>
#include <spdlog/spdlog.h>

#include "router/faults.h"

namespace handmill::router {

EmbeddingJob::EmbeddingJob(api::Embedding embedding, std::vector<std::vector<text::Token>> inputs,
                           Owner owner, EmbeddingSink sink, Clock::time_point accepted)
    : Job(accepted),
      embedding_(std::move(embedding)),
      inputs_(std::move(inputs)),
      owner_(owner),
      sink_(std::move(sink)),
      ids_(inputs_.size(), 0) {
  answer_.vectors.resize(inputs_.size());
}

/// The context is known now: it may be less than the model's own.
bool EmbeddingJob::fit(const engine::Engine& engine) {
  const int positions = std::min(engine.context(), engine.model_context());
  const auto most = static_cast<size_t>(positions);
  for (std::vector<text::Token>& input : inputs_) {
    if (input.size() > most && !embedding_.truncate) {
      fail(too_long(input.size(), positions, "input"));
      return false;
    }
    input.resize(std::min(input.size(), most));
    answer_.usage.prompt_tokens += static_cast<int>(input.size());
  }
  return true;
}

void EmbeddingJob::start(engine::Engine& engine) {
  if (!fit(engine)) return;
  submitted_ = Clock::now();
  const auto self = shared_from_this();
  for (size_t i = 0; i < inputs_.size(); ++i) {
    auto id =
        engine.submit(engine::EmbedRequest{.tokens = inputs_[i], .priority = 0, .owner = owner_},
                      [this, self, i](const engine::EmbedEvent& event) { on_event(i, event); });
    if (!id.ok()) {
      cancel(engine);
      return fail(not_taken(id.error(), "input"));
    }
    ids_[i] = *id;
  }
}

void EmbeddingJob::cancel(engine::Engine& engine) {
  for (const engine::RequestId id : ids_)
    if (id != 0) engine.cancel(id);
}

void EmbeddingJob::on_event(size_t input, const engine::EmbedEvent& event) {
  if (ended_ || !event.finish) return;
  ids_[input] = 0;
  if (event.finish == engine::Finish::kCancelled) return end_cancelled();
  if (event.finish == engine::Finish::kError)
    return fail({api::Fault::Kind::kInternal, event.error});
  try {
    answer_.vectors[input] = shortened(event.vector);
  } catch (const std::bad_alloc&) {
    return fail({api::Fault::Kind::kInternal, "out of memory"});
  }
  answer_.usage.cached_tokens += event.timings.cached_tokens;
  answer_.timings = timings(event.timings, submitted_);
  if (++done_ < inputs_.size()) return;
  ended_ = true;
  emit(std::move(answer_));
}

std::vector<float> EmbeddingJob::shortened(std::vector<float> vector) const {
  const auto wanted = static_cast<size_t>(std::max(0, embedding_.dimensions));
  if (wanted == 0 || wanted >= vector.size()) return vector;
  vector.resize(wanted);
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  if (squares > 0)
    for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / std::sqrt(squares));
  return vector;
}

/// There is no half of an answer.
void EmbeddingJob::end_cancelled() {
  fail({api::Fault::Kind::kUnavailable, "the request was cancelled"});
}

void EmbeddingJob::fail(api::Fault fault) {
  if (ended_) return;
  ended_ = unwanted_ = true;
  emit(std::move(fault));
}

void EmbeddingJob::emit(std::variant<EmbeddingAnswer, api::Fault> answer) {
  try {
    sink_(std::move(answer));
  } catch (const std::exception& e) {
    spdlog::error("a request's sink failed: {}", e.what());
  }
}

}  // namespace handmill::router
