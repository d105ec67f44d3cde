// Decides which tasks compute how many tokens in the next step (continuous batching with chunked
// prefill, arXiv 2309.06180 and 2403.02310). Owns every task that has not ended. Knows nothing of
// models.
//
// Rank: elders, then by priority, then by arrival. The first by rank always goes on.
// Tokens: a running task that decodes gets one. Prefills share what is left of the step, of which
//   there is less beside decodes, so that running streams do not stall. The first of them by rank
//   is sure of half; otherwise those with the fewest tokens left go first.
// Blocks: when they run out, the last by rank gives up its own and waits.
// Places: waiting tasks enter in the order of: elders, priority, those that had begun, the owner
//   for whom the fewest tokens were computed (arXiv 2401.00588), arrival. A task that does not fit
//   lets no other pass. Two kinds are passed, up to 64 of them: a task whose next block a running
//   one is about to compute waits for it, rather than compute it too; and a prefill longer than a
//   step waits while another is under way.
// Nobody starves: every `patience` steps the oldest task that is not decoding becomes an elder, as
//   soon as no other elder waits, and so do older ones that run. With n older ones that wait it
//   takes a task (n + 1) · patience steps, and what the elders before it wait for their places.
//   Where an elder waits for a block, the task that computes it becomes one too.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "engine/task.h"
#include "kv/cache.h"

namespace handmill::engine {

/// The next `count` tokens of a task, beginning at its computed().
struct Slice {
  Task* task;
  int count;
};

struct Limits {
  int batch_tokens;   // of one step, over all tasks
  int beside_tokens;  // of prefills, in a step that also decodes
  int sequences_max;  // in one step
  int positions_max;  // of one task: it must fit into the cache alone
  int patience = 64;  // steps
};

class Scheduler {
 public:
  /// `cache` must outlive it.
  Scheduler(kv::Cache& cache, const Limits& limits);

  void add(std::unique_ptr<Task> task);
  /// The next batch; empty only when nothing is left to do. Valid until the next call.
  std::span<const Slice> schedule();
  /// Lets go of the tasks that have ended.
  void retire();

  /// Every task, running ones first.
  template <class F>
  void for_each(F visit) {
    for (auto& task : running_) visit(*task);
    for (auto& task : waiting_) visit(*task);
  }
  size_t running() const { return running_.size(); }
  size_t waiting() const { return waiting_.size(); }
  uint64_t preemptions() const { return preemptions_; }

 private:
  using Tasks = std::vector<std::unique_ptr<Task>>;

  void choose_elder();
  void admit();
  void sort_waiting(size_t from);
  bool must_wait(const Task& task) const;
  bool fits(const Task& task) const;
  void share();
  int share_of_prefills() const;
  void charge(Task& task);
  bool secure(size_t index, int positions);
  void preempt_last();

  kv::Cache& cache_;
  Limits limits_;
  Tasks waiting_;
  Tasks running_;                         // by rank
  std::map<uint64_t, Account> accounts_;  // by owner; of those that have tasks
  std::vector<Task*> prefills_;           // of a step
  std::vector<Slice> plan_;
  int patience_ = 0;  // steps since an elder was chosen
  uint64_t preemptions_ = 0;
};

}  // namespace handmill::engine
