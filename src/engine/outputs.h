// The logits of a step on their way to the samplers. Where a few of each row decide every token of
// the step, and the backend finds those, they alone come to the processor; otherwise the rows do,
// one after the other. The tokens are the same. Serves the engine.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "engine/sequence.h"
#include "sample/sampler.h"

namespace handmill::engine {

class Outputs {
 public:
  /// A step has at most `rows_max` rows with logits [vocab], of which the first `sampled` are of
  /// tokens that can be.
  Outputs(int rows_max, int vocab, int sampled);

  void clear();
  /// The next row is this sequence's.
  void want(const Sequence& sequence);
  /// Waits for the logits, in the order in which rows were wanted. Both must live as they are until
  /// all rows were picked from; their faults are known by then.
  void read(backend::Backend& backend, const backend::Array& logits);
  /// sequence.pick() from its row; rows come in order.
  bool pick(Sequence& sequence, size_t row);

 private:
  size_t sampled_;
  backend::Backend* backend_ = nullptr;
  const backend::Array* logits_ = nullptr;
  bool few_ = false;             // found_ is what rows are picked from
  std::vector<int32_t> needed_;  // of each row's largest logits; 0: all logits
  std::vector<size_t> starts_;   // of the rows, in found_
  std::vector<backend::Largest> found_;
  std::vector<sample::Scored> scored_;  // one row of it
  std::vector<float> row_;              // [vocab]
  std::vector<float> raw_;              // [vocab], what the sampler was given
};

}  // namespace handmill::engine
