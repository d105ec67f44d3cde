// The oldest running sequence can always go on: every other one can be made to give way, and alone
// it fits. So each step makes progress, whatever the load.
#include "engine/scheduler.h"

#include <algorithm>
#include <cassert>

namespace handmill::engine {

Scheduler::Scheduler(kv::Cache& cache, const Limits& limits) : cache_(cache), limits_(limits) {
  // Each running sequence that decodes needs one token of the batch.
  limits_.sequences_max = std::min(limits_.sequences_max, limits_.batch_tokens);
  assert(kv::blocks_for(limits_.positions_max) <= cache_.blocks());
  running_.reserve(static_cast<size_t>(limits_.sequences_max));
  plan_.reserve(static_cast<size_t>(limits_.sequences_max));
}

std::span<const Slice> Scheduler::schedule() {
  plan_.clear();
  int budget = limits_.batch_tokens;  // what decoding leaves to prefill
  for (const auto& sequence : running_) budget -= sequence->pending() == 1 ? 1 : 0;
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    const bool decodes = sequence.pending() == 1;
    const int count = decodes ? 1 : std::min(sequence.pending(), budget);
    if (count == 0) continue;
    if (!secure(i, sequence.computed() + count)) break;
    if (!decodes) budget -= count;
    plan_.push_back({&sequence, count});
  }
  admit(budget);
  return plan_;
}

/// Blocks for `positions` of running_[index], at the cost of newer ones. False where it was the
/// newest itself, and had to give way.
bool Scheduler::secure(size_t index, int positions) {
  while (!cache_.grow(running_[index]->table, positions)) {
    preempt_newest();
    if (running_.size() == index) return false;
  }
  return true;
}

void Scheduler::preempt_newest() {
  Sequence& newest = *running_.back();
  cache_.release(newest.table);
  newest.preempt();
  waiting_.push_front(std::move(running_.back()));
  running_.pop_back();
}

/// A sequence is admitted when all its tokens fit, and a block for each running one's next.
void Scheduler::admit(int budget) {
  const size_t places = static_cast<size_t>(limits_.sequences_max);
  while (!waiting_.empty() && running_.size() < places && budget > 0) {
    Sequence& next = *waiting_.front();
    // The last token is always computed: its logits are wanted.
    const auto findable = next.tokens().first(next.tokens().size() - 1);
    const int cached = cache_.match(findable, next.table);
    const int wanted = kv::blocks_for(next.length()) - static_cast<int>(next.table.size());
    if (wanted + static_cast<int>(running_.size()) > cache_.free_blocks()) {
      cache_.release(next.table);
      return;
    }
    next.start(cached, limits_.positions_max);
    const int count = std::min(next.pending(), budget);
    cache_.grow(next.table, next.computed() + count);
    budget -= count;
    plan_.push_back({&next, count});
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void Scheduler::retire() {
  auto ended = [this](const std::unique_ptr<Sequence>& sequence) {
    if (sequence->ended()) cache_.release(sequence->table);
    return sequence->ended();
  };
  std::erase_if(running_, ended);
  std::erase_if(waiting_, ended);
}

}  // namespace handmill::engine
