// A request on its way through a model. One thread at a time owns it: the caller's until it is
// handed to a model's worker, then that worker's. Its client is told of exactly one end.
#pragma once

#include <chrono>
#include <memory>

#include "api/event.h"
#include "engine/engine.h"

namespace handmill::router {

class Job : public std::enable_shared_from_this<Job> {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Job(Clock::time_point accepted) : accepted_(accepted) {}
  virtual ~Job() = default;

  /// Queues its sequences. The engine's events lead to its end, or it has ended already.
  virtual void start(engine::Engine& engine) = 0;
  /// Ends its sequences at the engine's next step.
  virtual void cancel(engine::Engine& engine) = 0;
  /// The end, before it was started, of one whose client has left.
  virtual void end_cancelled() = 0;
  /// The end, unless it has ended.
  virtual void fail(api::Fault fault) = 0;

  bool ended() const { return ended_; }
  /// Its sequences are worth nothing any more: its client cannot be told, or has been told of a
  /// fault.
  bool unwanted() const { return unwanted_; }
  /// It waited so long for its model.
  void waited_for_load(Clock::duration time) { load_s_ = seconds(time); }

 protected:
  static double seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
  }
  /// Of one sequence: what the engine measured, from when the request was accepted on. `submitted`
  /// is when the engine got it.
  api::Timings timings(const engine::Timings& measured, Clock::time_point submitted) const;

  const Clock::time_point accepted_;
  double load_s_ = 0;
  bool ended_ = false, unwanted_ = false;
};

}  // namespace handmill::router
