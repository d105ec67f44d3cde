#include "backend/cpu/threads.h"

namespace handmill::backend {
namespace {

// About 50 µs of spinning: longer than the serial gaps inside a step, shorter than anyone would
// notice on a battery.
constexpr int kSpins = 2000;

void pause() { __builtin_ia32_pause(); }

}  // namespace

Threads::Threads(int count) : shares_(static_cast<size_t>(count)) {
  workers_.reserve(static_cast<size_t>(count) - 1);
  try {
    for (int worker = 1; worker < count; ++worker)
      workers_.emplace_back([this, worker] { work(worker); });
  } catch (...) {
    end();
    throw;
  }
}

Threads::~Threads() { end(); }

void Threads::end() {
  ending_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void Threads::take_tasks(int worker) {
  for (size_t k = 0; k < shares_.size(); ++k) {
    Share& share = shares_[(static_cast<size_t>(worker) + k) % shares_.size()];
    for (size_t i; (i = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;)
      call_(context_, i, worker);
  }
}

void Threads::run(size_t tasks, Call call, void* context) {
  if (workers_.empty() || tasks <= 1) {
    for (size_t i = 0; i < tasks; ++i) call(context, i, 0);
    return;
  }
  ++barriers_;
  call_ = call;
  context_ = context;
  for (size_t worker = 0; worker < shares_.size(); ++worker) {
    shares_[worker].next.store(tasks * worker / shares_.size(), std::memory_order_relaxed);
    shares_[worker].end = tasks * (worker + 1) / shares_.size();
  }
  busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  take_tasks(0);
  for (int spins = 0; busy_.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpins) {
      pause();
    } else {
      // The straggler may be off its core: give it ours rather than spin against it.
      std::this_thread::yield();
    }
  }
}

void Threads::work(int worker) {
  uint32_t seen = 0;
  for (;;) {
    uint32_t now = epoch_.load(std::memory_order_acquire);
    for (int spins = 0; now == seen; ++spins) {
      if (spins < kSpins) {
        pause();
      } else {
        epoch_.wait(seen, std::memory_order_acquire);
      }
      now = epoch_.load(std::memory_order_acquire);
    }
    if (ending_.load(std::memory_order_relaxed)) return;
    seen = now;
    take_tasks(worker);
    busy_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace handmill::backend
