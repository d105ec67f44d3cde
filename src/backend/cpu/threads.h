// A pool of threads for data-parallel work. One caller at a time; between two calls the workers
// spin for a short while (a decode step calls several hundred times a second), then sleep. Which
// thread does which task never changes a result: tasks write to disjoint places.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace handmill::backend {

class Threads {
 public:
  /// `count` ≥ 1 threads, the caller's included. Throws std::system_error where the system gives no
  /// more.
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  /// How often all threads have waited for one another.
  uint64_t barriers() const { return barriers_; }

  int count() const { return static_cast<int>(workers_.size()) + 1; }

  /// task(i, worker) for every i in [0, tasks), in any order, worker in [0, count()); returns when
  /// all are done. The tasks must not throw. Nothing is allocated.
  template <class Task>
  void run(size_t tasks, Task&& task) {
    auto call = [](void* context, size_t index, int worker) {
      (*static_cast<std::remove_reference_t<Task>*>(context))(index, worker);
    };
    run(tasks, call, &task);
  }

 private:
  using Call = void (*)(void* context, size_t index, int worker);
  void run(size_t tasks, Call call, void* context);
  void work(int worker);
  void end();
  void take_tasks(int worker);

  /// Adjacent tasks that one worker starts with; others help when theirs are done. Adjacent tasks
  /// read adjacent memory: each worker then reads one long stream (measured: 67 GB/s against 50
  /// where two workers took turns of 64 KB).
  struct alignas(64) Share {
    std::atomic<size_t> next{0};
    size_t end = 0;
  };

  std::vector<std::thread> workers_;
  uint64_t barriers_ = 0;
  Call call_ = nullptr;
  void* context_ = nullptr;
  std::vector<Share> shares_;                   // [worker]
  alignas(64) std::atomic<uint32_t> epoch_{0};  // counts calls, and may wrap
  std::atomic<bool> ending_{false};
  alignas(64) std::atomic<int> busy_{0};  // workers that have not finished this call
};

}  // namespace handmill::backend
