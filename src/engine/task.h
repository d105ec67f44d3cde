// What the scheduler sees of a request: tokens on their way through the model, how many of them are
// in the key/value cache, and whom they are for. Invariant: computed() < length() until it has
// ended, so there is always a token to compute. Serves the scheduler, which moves tasks.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "kv/cache.h"

namespace handmill::engine {

class Sequence;
class Embedding;

/// What an owner of unfinished tasks got.
struct Account {
  uint64_t tokens = 0;  // computed for it
  int tasks = 0;
};

class Task {
 public:
  struct Terms {
    int positions_max;  // that it may take
    int priority = 0;   // lower goes first
    uint64_t owner = 0;
    bool reuses = true;  // what the prefix cache has; otherwise every token is computed
  };
  Task(RequestId id, std::vector<text::Token> tokens, const Terms& terms);
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  RequestId id() const { return id_; }  // in the order of arrival
  std::span<const text::Token> tokens() const { return tokens_; }
  int length() const { return static_cast<int>(tokens_.size()); }
  const Timings& timings() const { return timings_; }
  int computed() const { return computed_; }
  int pending() const { return length() - computed_; }
  int priority() const { return terms_.priority; }
  uint64_t owner() const { return terms_.owner; }
  bool started() const { return started_; }
  bool ended() const { return ended_; }
  bool cancelled() const { return cancelled_; }
  void cancel() { cancelled_ = true; }
  /// Another task is computed while it is under way.
  void share() { timings_.shared = true; }

  kv::BlockTable table;  // the scheduler's and the cache's
  struct {
    Account* account = nullptr;
    int charged = 0;     // tokens that are on the account
    int share = 0;       // tokens of the next step
    bool elder = false;  // goes before all others
  } place;               // the scheduler's

  /// Enters a batch for the first time, or again after it was preempted, with `cached` positions
  /// found in the prefix cache.
  void start(int cached);
  /// Its blocks are gone; every token will be computed again.
  void preempt() { computed_ = 0; }
  /// `count` more of its tokens are in the cache.
  void advance(int count) { computed_ += count; }

  virtual bool reuses() const { return terms_.reuses; }
  /// Ends it where it is, and tells the sink.
  virtual void end(Finish finish, std::string error = {}) = 0;
  /// What it is, or null.
  virtual Sequence* sequence() { return nullptr; }
  virtual Embedding* embedding() { return nullptr; }

 protected:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
  }

  /// The most tokens that it can come to: what grows with them gets its memory once.
  virtual int length_max() const { return length(); }

  const RequestId id_;
  const Terms terms_;
  std::vector<text::Token> tokens_;
  Timings timings_;
  Clock::time_point submitted_, scheduled_;
  bool ended_ = false;

 private:
  int computed_ = 0;
  bool started_ = false, cancelled_ = false;
};

}  // namespace handmill::engine
