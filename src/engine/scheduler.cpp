// Admit, share, secure. The first running task by rank can always go on: every other one can be
// made to give way, and alone it fits. So each step makes progress, whatever the load.
#include "engine/scheduler.h"

#include <algorithm>
#include <cassert>
#include <tuple>

#include "backend/backend.h"

namespace handmill::engine {
namespace {

using backend::kKvBlock;

/// Tasks that may be passed in a step: what bounds its time in a long queue.
constexpr size_t kPassedMax = 64;

bool decodes(const Task& task) { return task.pending() == 1; }

bool outranks(const Task& a, const Task& b) {
  const auto rank = [](const Task& task) {
    const bool elder = task.place.elder;
    return std::tuple(!elder, elder ? 0 : task.priority(), task.id());
  };
  return rank(a) < rank(b);
}

bool enters_before(const Task& a, const Task& b) {
  const auto rank = [](const Task& task) {
    const bool elder = task.place.elder;
    return std::tuple(!elder, elder ? 0 : task.priority(), elder || !task.started(),
                      elder ? 0 : task.place.account->tokens, task.id());
  };
  return rank(a) < rank(b);
}

/// What may come from the prefix cache: the last token is always computed, for its logits.
std::span<const text::Token> findable(const Task& task) {
  return task.tokens().first(task.tokens().size() - 1);
}

/// Whether `running` is about to compute the full block after those that `task` has found.
bool about_to_compute(const Task& running, const Task& task) {
  const size_t end = (task.table.size() + 1) * kKvBlock;
  if (running.tokens().size() < end || findable(task).size() < end) return false;
  if (running.computed() >= static_cast<int>(end)) return false;
  const auto same = [&](size_t from, size_t to) {
    return std::equal(task.tokens().begin() + static_cast<ptrdiff_t>(from),
                      task.tokens().begin() + static_cast<ptrdiff_t>(to),
                      running.tokens().begin() + static_cast<ptrdiff_t>(from));
  };
  return same(end - kKvBlock, end) && same(0, end - kKvBlock);  // texts differ late if at all
}

}  // namespace

Scheduler::Scheduler(kv::Cache& cache, const Limits& limits) : cache_(cache), limits_(limits) {
  // Each running task that decodes needs one token of the batch.
  limits_.sequences_max = std::min(limits_.sequences_max, limits_.batch_tokens);
  assert(kv::blocks_for(limits_.positions_max) <= cache_.blocks());
  assert(limits_.beside_tokens > 0);
  const auto places = static_cast<size_t>(limits_.sequences_max);
  running_.reserve(places);
  prefills_.reserve(places);
  plan_.reserve(places);
}

/// An owner that comes back does not get what it left unused: it begins where the last one is.
void Scheduler::add(std::unique_ptr<Task> task) {
  auto account = accounts_.find(task->owner());
  if (account == accounts_.end()) {
    Account opened;
    for (const auto& [owner, other] : accounts_)
      opened.tokens = opened.tasks++ == 0 ? other.tokens : std::min(opened.tokens, other.tokens);
    account = accounts_.emplace(task->owner(), Account{opened.tokens}).first;
  }
  ++account->second.tasks;
  task->place.account = &account->second;
  waiting_.push_back(std::move(task));
}

std::span<const Slice> Scheduler::schedule() {
  plan_.clear();
  choose_elder();
  admit();
  std::ranges::sort(running_, [](auto& a, auto& b) { return outranks(*a, *b); });
  share();
  for (size_t i = 0; i < running_.size(); ++i) {
    Task& task = *running_[i];
    const int count = task.place.share;
    if (count == 0) continue;
    if (!secure(i, task.computed() + count)) break;
    plan_.push_back({&task, count});
  }
  return plan_;
}

void Scheduler::choose_elder() {
  if (++patience_ < limits_.patience) return;
  Task* oldest = nullptr;
  for (auto& task : waiting_) {
    if (task->place.elder) return;
    if (oldest == nullptr || task->id() < oldest->id()) oldest = task.get();
  }
  for (auto& task : running_) {
    if (task->place.elder || decodes(*task)) continue;
    if (oldest == nullptr || task->id() < oldest->id()) oldest = task.get();
  }
  patience_ = 0;
  if (oldest == nullptr) return;
  oldest->place.elder = true;
  for (auto& task : running_) task->place.elder |= task->id() < oldest->id();
}

void Scheduler::admit() {
  const size_t places = static_cast<size_t>(limits_.sequences_max);
  if (waiting_.empty() || running_.size() >= places) return;
  sort_waiting(0);
  for (size_t i = 0; i < std::min(waiting_.size(), kPassedMax) && running_.size() < places;) {
    Task& next = *waiting_[i];
    const int cached = next.reuses() ? cache_.match(findable(next), next.table) : 0;
    const bool passed = must_wait(next);
    if (passed || !fits(next)) {
      cache_.release(next.table);
      if (!passed) return;
      ++i;
      continue;
    }
    if (!next.started()) next.place.charged = cached;
    next.start(cached);
    charge(next);
    running_.push_back(std::move(waiting_[i]));
    waiting_.erase(waiting_.begin() + static_cast<ptrdiff_t>(i));
    sort_waiting(i);
  }
}

void Scheduler::sort_waiting(size_t from) {
  std::ranges::sort(waiting_.begin() + static_cast<ptrdiff_t>(from), waiting_.end(),
                    [](auto& a, auto& b) { return enters_before(*a, *b); });
}

/// Whether a task with its found blocks in its table does better to wait.
bool Scheduler::must_wait(const Task& task) const {
  const auto is_long = [&](int tokens) { return tokens > limits_.batch_tokens; };
  const int pending = task.length() - static_cast<int>(task.table.size()) * kKvBlock;
  for (const auto& running : running_) {
    if (task.reuses() && about_to_compute(*running, task)) {
      running->place.elder |= task.place.elder;
      return true;
    }
    if (!task.place.elder && is_long(pending) && is_long(running->pending())) return true;
  }
  return false;
}

/// All its tokens, and those of each running one with a block more for its answer.
bool Scheduler::fits(const Task& task) const {
  int wanted = kv::blocks_for(task.length()) - static_cast<int>(task.table.size());
  for (const auto& running : running_)
    wanted += std::max(
        0, kv::blocks_for(running->length()) + 1 - static_cast<int>(running->table.size()));
  return wanted <= cache_.free_blocks();
}

/// Sets the share of every running task.
void Scheduler::share() {
  prefills_.clear();
  for (auto& task : running_) {
    charge(*task);
    task->place.share = decodes(*task) ? 1 : 0;
    if (!decodes(*task)) prefills_.push_back(task.get());
  }
  if (prefills_.empty()) return;
  int left = share_of_prefills();
  const auto take = [&left](Task& task, int most) {
    const int count = std::min({most, task.pending() - task.place.share, left});
    task.place.share += count;
    left -= count;
  };
  take(*prefills_.front(), (left + 1) / 2);
  std::ranges::sort(prefills_, [](const Task* a, const Task* b) {
    return std::tuple(a->pending(), a->id()) < std::tuple(b->pending(), b->id());
  });
  for (Task* task : prefills_) take(*task, left);
}

int Scheduler::share_of_prefills() const {
  const int decoding = static_cast<int>(running_.size() - prefills_.size());
  const int left = limits_.batch_tokens - decoding;
  return decoding > 0 ? std::min(left, limits_.beside_tokens) : left;
}

/// A prompt is charged as its task enters, less what was found; an answer as it grows.
void Scheduler::charge(Task& task) {
  task.place.account->tokens += static_cast<uint64_t>(task.length() - task.place.charged);
  task.place.charged = task.length();
}

/// Blocks for `positions` of running_[index], at the cost of those after it. False where it was the
/// last itself, and had to give way.
bool Scheduler::secure(size_t index, int positions) {
  while (!cache_.grow(running_[index]->table, positions)) {
    preempt_last();
    if (running_.size() == index) return false;
  }
  return true;
}

void Scheduler::preempt_last() {
  Task& last = *running_.back();
  cache_.release(last.table);
  last.preempt();
  waiting_.push_back(std::move(running_.back()));
  running_.pop_back();
  ++preemptions_;
}

void Scheduler::retire() {
  auto ended = [this](const std::unique_ptr<Task>& task) {
    if (!task->ended()) return false;
    cache_.release(task->table);
    if (task->started()) charge(*task);
    if (--task->place.account->tasks == 0) accounts_.erase(task->owner());
    return true;
  };
  std::erase_if(running_, ended);
  std::erase_if(waiting_, ended);
}

}  // namespace handmill::engine
