// A scheduler that runs tasks without a model, and says what it planned. For this room's tests.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "engine/scheduler.h"
#include "engine/test_engine.h"
#include "engine/test_task.h"

namespace handmill::engine {

using Plan = std::vector<std::pair<RequestId, int>>;

struct Ask {
  int answer = 5;
  int priority = 0;
  uint64_t owner = 0;
};

/// A scheduler with a model that computes nothing.
class Bench {
 public:
  Bench(int blocks, Limits limits) : limits_(limits), cache_(blocks), scheduler_(cache_, limits_) {}

  RequestId add(std::vector<text::Token> prompt, const Ask& ask) {
    const RequestId id = ++last_id_;
    auto task = std::make_unique<TestTask>(
        id, std::move(prompt), Task::Terms{limits_.positions_max, ask.priority, ask.owner},
        ask.answer, [this, id](Finish finish) { finished_[id] = finish; });
    tasks_[id] = task.get();
    wanted_[id] = ask.answer;
    scheduler_.add(std::move(task));
    return id;
  }
  RequestId add(int prompt, int answer) { return add(prompt, Ask{.answer = answer}); }
  RequestId add(int prompt, const Ask& ask) {
    return add(random_prompt(static_cast<size_t>(prompt), ++seed_), ask);
  }

  /// One step; what was scheduled: tokens by request, in the order of the requests.
  Plan step() {
    Plan scheduled;
    int total = 0;
    for (const auto& [task, count] : scheduler_.schedule()) {
      EXPECT_GT(count, 0);
      EXPECT_LE(count, task->pending());
      EXPECT_GE(static_cast<int>(task->table.size()) * backend::kKvBlock, task->computed() + count);
      scheduled.emplace_back(task->id(), count);
      cached_.try_emplace(task->id(), task->timings().cached_tokens);
      total += count;
      task->advance(count);
      cache_.publish(task->table, task->tokens().first(static_cast<size_t>(task->computed())));
      if (task->pending() > 0) continue;
      ++made_[task->id()];
      static_cast<TestTask*>(task)->say(65 + task->length() % 7);
    }
    scheduler_.retire();
    EXPECT_LE(total, limits_.batch_tokens);
    EXPECT_LE(scheduled.size(), static_cast<size_t>(limits_.sequences_max));
    std::ranges::sort(scheduled);
    return scheduled;
  }
  /// The order in which requests are scheduled first, of all that there are.
  std::vector<RequestId> order() {
    std::vector<RequestId> order;
    for (Plan plan = step(); !plan.empty(); plan = step())
      for (const auto& [id, count] : plan)
        if (std::ranges::find(order, id) == order.end()) order.push_back(id);
    return order;
  }
  void end(RequestId id) {
    tasks_.at(id)->end(Finish::kCancelled);
    scheduler_.retire();
  }

  int made(RequestId id) { return made_[id]; }
  int cached(RequestId id) { return cached_.at(id); }
  bool finished(RequestId id) { return finished_.contains(id); }
  Finish finish(RequestId id) { return finished_.at(id); }
  const Scheduler& scheduler() const { return scheduler_; }
  kv::Cache& cache() { return cache_; }
  int wanted(RequestId id) { return wanted_[id]; }

 private:
  Limits limits_;
  kv::Cache cache_;
  Scheduler scheduler_;
  std::map<RequestId, TestTask*> tasks_;
  std::map<RequestId, int> made_, wanted_, cached_;
  std::map<RequestId, Finish> finished_;
  RequestId last_id_ = 0;
  uint32_t seed_ = 1000;
};

inline Limits limits(int batch_tokens, int sequences_max, int positions_max = 1024) {
  return {.batch_tokens = batch_tokens,
          .beside_tokens = batch_tokens,
          .sequences_max = sequences_max,
          .positions_max = positions_max,
          .patience = 1000};
}

}  // namespace handmill::engine
