// Which models are loaded. A thread of its own decides, and nothing else does: it loads what
// requests wait for, in the order in which they came, lets go of what has been idle for its time,
// and, where memory is short, of the least recently used idle models. A busy model is never let go:
// where only that makes room, its new requests wait behind the load until it is idle.
//
// Thread-safe; nobody is told anything while the lock is held. A model is its place in the list.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "router/faults.h"
#include "router/fronts.h"
#include "router/job.h"
#include "router/memory.h"
#include "router/router.h"
#include "router/worker.h"

namespace handmill::router {

struct Listed {
  ModelInfo info;
  Needs needs;
};
using OpenEngine = std::function<Result<std::unique_ptr<engine::Engine>>(
    std::shared_ptr<const gguf::File> file, const engine::Options& options)>;

class Keeper {
 public:
  using Clock = Job::Clock;
  using Done = std::function<void(std::optional<api::Fault>)>;

  /// Of the options, `models` are passed over. `gpu_bytes` are what models may hold together of the
  /// GPU's own memory.
  Keeper(std::vector<Listed> models, const Options& options, OpenEngine open,
         uint64_t gpu_bytes = 0);
  ~Keeper() { close(); }

  const std::vector<Listed>& models() const { return listed_; }
  /// What the list says, and how the model stands.
  ModelInfo info(size_t model) const;
  Outcome<std::shared_ptr<const Front>> front(size_t model);
  /// Positions of a sequence: of the engine, or where it is not loaded what it will have at most.
  int positions(size_t model) const;

  /// Counts a request in, or says why not. What was counted in is submitted, or counted out.
  std::optional<api::Fault> enter(size_t model);
  void leave(size_t model);
  void submit(size_t model, std::shared_ptr<Job> job, api::KeepAlive keep_alive);
  void cancel(size_t model, const std::shared_ptr<Job>& job);

  void preload(size_t model, api::KeepAlive keep_alive, Done done);
  void unload(size_t model);

  std::vector<ModelStats> stats() const;
  void drain();
  bool idle() const;
  /// Fails what waits or runs, and lets every model go. Not from a model's thread.
  void close();

 private:
  enum class Phase { kUnloaded, kQueued, kLoading, kLoaded, kStopping };
  struct Waiting {
    std::shared_ptr<Job> job;
    Clock::time_point since;
  };
  struct Model {
    size_t place = 0;
    Phase phase = Phase::kUnloaded;
    std::unique_ptr<Worker> worker;
    std::shared_ptr<const Front> front;  // held while it is loaded
    uint64_t memory = 0;                 // by its plan, while it is loading or loaded
    uint64_t gpu = 0;                    // likewise, of the GPU's own
    int positions = 0;                   // of a sequence, when loaded
    bool closed = false;                 // the worker's thread is at its end
    bool leaving = false;                // makes room for another: takes no new requests meanwhile
    size_t active = 0;                   // requests counted in, not ended
    size_t running = 0;                  // of these, with the worker
    std::deque<Waiting> pending;         // for the load
    std::vector<Done> preloads;          // likewise
    std::chrono::milliseconds keep_alive{};
    Clock::time_point used;  // last

    bool wanted() const { return !pending.empty() || !preloads.empty(); }
    /// Computes nothing. What is pending all the same waits for room to have been made.
    bool quiet() const { return phase == Phase::kLoaded && running == 0; }
  };

  // The thread's, all with the lock held.
  void run();
  void reap(std::unique_lock<std::mutex>& lock);
  std::optional<Clock::time_point> expire();
  void load_next(std::unique_lock<std::mutex>& lock);
  bool make_gpu_room(const Model& next);
  void make_room(const Needs& needs, uint64_t room);
  void start(Model& model, const Needs& needs, uint64_t room, std::unique_lock<std::mutex>& lock);
  void refuse(Model& model, api::Fault fault, std::unique_lock<std::mutex>& lock);
  void hand_over(Model& model);

  // Of a worker.
  Result<std::unique_ptr<engine::Engine>> open(Model& model, int context, uint64_t gpu);
  void opened(Model& model, const Result<std::unique_ptr<engine::Engine>>& engine);
  void ended(Model& model, size_t jobs);
  void closed(Model& model);

  void want(Model& model);
  void touch(Model& model, api::KeepAlive keep_alive);
  void stop(Model& model);
  std::optional<Clock::time_point> expiry(const Model& model) const;
  uint64_t held() const;
  uint64_t gpu_free() const;
  /// Of the processor's memory, as things stand.
  Needs needs_now(const Model& model) const;
  std::string plan_text(const Model& model, const Needs& needs, uint64_t most) const;
  const Listed& listed(const Model& model) const { return listed_[model.place]; }
  void wake();

  const std::vector<Listed> listed_;
  const engine::Options engine_;
  const size_t queue_max_;
  const std::chrono::milliseconds keep_alive_;
  const OpenEngine open_;
  const Budget budget_;
  const uint64_t gpu_bytes_;
  Fronts fronts_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool dirty_ = false;  // since the thread last looked
  bool draining_ = false, closing_ = false;
  std::vector<std::unique_ptr<Model>> models_;
  std::deque<Model*> queue_;  // to be loaded

  std::thread thread_;  // last: begins when all else is there
};

}  // namespace handmill::router
