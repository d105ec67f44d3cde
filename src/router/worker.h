// The thread of one loaded model, and the only one that ever touches its engine: it opens it, steps
// it while there is work, and sleeps otherwise. Whatever happens on it, an exception included,
// every job that it took comes to its end.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "router/job.h"

namespace handmill::router {

class Worker {
 public:
  using Open = std::function<Result<std::unique_ptr<engine::Engine>>()>;
  /// On the worker's thread.
  struct Listener {
    /// The engine is there, or why not; then closed() follows.
    std::function<void(const Result<std::unique_ptr<engine::Engine>>& engine)> opened;
    /// So many jobs have ended, their clients told.
    std::function<void(size_t jobs)> ended;
    /// Last: the engine is gone, and every job with it.
    std::function<void()> closed;
  };

  /// Begins to open at once. Throws std::system_error where the system has no thread to give.
  Worker(Open open, Listener listener);
  /// stop(), and waits for the thread.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Takes a job. False where it takes none any more. The caller bounds their number.
  bool post(std::shared_ptr<Job> job);
  /// Ends a job that it took, within one step; nothing where it has ended.
  void cancel(std::shared_ptr<Job> job);
  /// Takes no more jobs, and fails those that it has.
  void stop();

  /// As of the last step, and the seconds since then where there is work to do.
  std::pair<engine::Stats, double> stats() const;

 private:
  struct Command {
    bool cancels;
    std::shared_ptr<Job> job;
  };

  Result<std::unique_ptr<engine::Engine>> open() const;
  void run();
  void serve(engine::Engine& engine);
  bool wait(bool work);
  void obey(engine::Engine& engine);
  void settle(engine::Engine& engine);
  void publish(const engine::Engine& engine, bool work);
  void close(const api::Fault& fault);

  const Open open_;
  const Listener listener_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Command> commands_;  // posted, not yet obeyed
  bool closed_ = false;            // takes none any more
  engine::Stats stats_;
  bool working_ = false;
  Job::Clock::time_point progress_;

  // The thread's own.
  std::vector<Command> obeyed_;
  std::vector<std::shared_ptr<Job>> jobs_;

  std::thread thread_;  // last: begins when all else is there
};

}  // namespace handmill::router
