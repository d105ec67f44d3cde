// An embedding request: a vector for every input, told together.
#pragma once

#include <vector>

#include "router/job.h"
#include "router/router.h"

namespace handmill::router {

class EmbeddingJob final : public Job {
 public:
  /// `inputs` are the request's, as tokens.
  EmbeddingJob(api::Embedding embedding, std::vector<std::vector<text::Token>> inputs, Owner owner,
               EmbeddingSink sink, Clock::time_point accepted);

  void start(engine::Engine& engine) override;
  void cancel(engine::Engine& engine) override;
  void end_cancelled() override;
  void fail(api::Fault fault) override;

 private:
  bool fit(const engine::Engine& engine);
  void on_event(size_t input, const engine::EmbedEvent& event);
  std::vector<float> shortened(std::vector<float> vector) const;
  void emit(std::variant<EmbeddingAnswer, api::Fault> answer);

  api::Embedding embedding_;
  std::vector<std::vector<text::Token>> inputs_;
  Owner owner_;
  EmbeddingSink sink_;
  Clock::time_point submitted_;
  std::vector<engine::RequestId> ids_;  // 0: ended, or not queued
  size_t done_ = 0;
  EmbeddingAnswer answer_;
};

}  // namespace handmill::router
