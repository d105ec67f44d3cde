// A text on its way to a vector: the model's last normed hidden states, of all positions or of one
// as the model pools, at unit length. Invariant: what has been added is the first positions in
// order, so the sum has the same bits however the text was cut. Serves the engine.
#pragma once

#include <span>
#include <vector>

#include "engine/task.h"
#include "model/model.h"

namespace handmill::engine {

class Embedding final : public Task {
 public:
  /// The request is valid.
  Embedding(RequestId id, EmbedRequest request, EmbedSink sink, int positions_max,
            model::Pooling pooling, int width);

  Embedding* embedding() override { return this; }
  void end(Finish finish, std::string error = {}) override;

  /// The state at `position`; all are given in their order, from 0 again after it was preempted.
  void add(int position, std::span<const float> state);
  /// All positions were added: tells the sink.
  void finish();

 private:
  const model::Pooling pooling_;
  EmbedSink sink_;
  std::vector<double> sum_;  // [width]
};

}  // namespace handmill::engine
