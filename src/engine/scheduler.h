// Decides which sequences compute how many tokens in the next step (continuous batching with
// chunked prefill, arXiv 2309.06180 and 2403.02310): running ones first, oldest first; then waiting
// ones in the order of their arrival, while tokens, places and blocks last. When blocks run out the
// newest sequence gives up its own and waits at the head of the queue. Owns every sequence that has
// not ended. Knows nothing of models.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/sequence.h"
#include "kv/cache.h"

namespace handmill::engine {

/// The next `count` tokens of a sequence, beginning at its computed().
struct Slice {
  Sequence* sequence;
  int count;
};

struct Limits {
  int batch_tokens;   // of one step, over all sequences
  int sequences_max;  // in one step
  int positions_max;  // of one sequence: it must fit into the cache alone
};

class Scheduler {
 public:
  /// `cache` must outlive it.
  Scheduler(kv::Cache& cache, const Limits& limits);

  void add(std::unique_ptr<Sequence> sequence) { waiting_.push_back(std::move(sequence)); }
  /// The next batch; empty only when nothing is left to do. Valid until the next call.
  std::span<const Slice> schedule();
  /// Lets go of the sequences that have ended.
  void retire();

  /// Every sequence, running ones first.
  template <class F>
  void for_each(F visit) {
    for (auto& sequence : running_) visit(*sequence);
    for (auto& sequence : waiting_) visit(*sequence);
  }
  size_t running() const { return running_.size(); }
  size_t waiting() const { return waiting_.size(); }

 private:
  bool secure(size_t index, int positions);
  void preempt_newest();
  void admit(int budget);

  kv::Cache& cache_;
  Limits limits_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;  // oldest first
  std::vector<Slice> plan_;
};

}  // namespace handmill::engine
