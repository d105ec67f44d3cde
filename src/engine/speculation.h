// Proposes tokens, which the model then verifies in the rows of one step: whatever is proposed, the
// sampler runs on the model's own logits, row by row, so the text is what it would have been.
// Serves the engine.
#pragma once

#include <span>
#include <vector>

#include "engine/draft.h"
#include "engine/engine.h"
#include "engine/pace.h"
#include "engine/scheduler.h"
#include "kv/cache.h"

namespace handmill::engine {

class Speculation {
 public:
  /// A step has at most `rows_max` rows with logits. `draft` may be null, and must outlive it.
  Speculation(Speculate mode, Draft* draft, int rows_max, int sequences_max);

  /// Writes proposals into the sequences of a plan, with blocks for them. A plan that prefills gets
  /// none: its rows are what is scarce.
  void propose(std::span<const Slice> plan, kv::Cache& cache);
  /// A step of this plan took so long.
  void ran(std::span<const Slice> plan, double seconds);
  /// The sequence has its tokens of this step: learns from what became of the proposal, and drops
  /// it.
  void verified(Sequence& sequence);
  /// The sequence has ended.
  void release(Sequence& sequence);
  void clear_cache();

 private:
  Bid bid_for(Sequence& sequence, int sequences, int rows);
  void fill(Sequence& sequence, const Bid& bid, kv::Cache& cache);

  Speculate mode_;
  Draft* draft_;
  int rows_max_;
  Pace pace_;
  std::vector<Bid> bids_;
  std::vector<Draft::Job> jobs_;
};

}  // namespace handmill::engine
