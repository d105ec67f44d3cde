// How many tokens to propose. A step with more rows takes longer and brings more tokens, if the
// proposals are right: both are measured, and the count with the most expected tokens per second is
// taken, which may be none. Times and odds decide how much is computed, never what comes out.
// Serves the speculation.
#pragma once

#include <array>
#include <span>
#include <vector>

namespace handmill::engine {

/// How often one source of proposals was right in one sequence, lately.
class Odds {
 public:
  static constexpr double kSurest = 0.98;  // nothing is certain: proposals stay finite

  explicit Odds(double first) : right_(first) {}

  /// That the next proposed token is right, given that those before it are.
  double right() const { return right_; }
  void record(int proposed, int accepted);
  /// Counts a step without a proposal; true when it is time to try one again. The waits double
  /// while it fails, and halve when it does not.
  bool retry();

 private:
  double right_;
  int passed_ = 0, wait_ = 16;
};

/// Seconds of a step by its rows, measured as the engine runs.
class StepTimes {
 public:
  explicit StepTimes(int rows_max) : seconds_(static_cast<size_t>(rows_max) + 1, 0) {}

  void record(int rows, double seconds);
  /// Between and beyond what was measured, an estimate; of nothing at all 0.
  double of(int rows) const;

 private:
  std::vector<double> seconds_;  // [rows]; 0: not measured yet
};

/// What one sequence could propose.
struct Bid {
  double right;          // odds of each token
  int most;              // tokens
  bool drafted = false;  // by the draft model, which takes time for each
  int count = 0;         // tokens granted
};

class Pace {
 public:
  /// A step has at most `rows_max` rows.
  explicit Pace(int rows_max);

  StepTimes times;        // of a step
  double draft_step = 0;  // seconds for one token more of every drafted proposal

  /// Grants proposals to a step of bids.size() sequences, at most `rows` in all: as many as pay, or
  /// with `always` as many as there are.
  void grant(std::span<Bid> bids, int rows, bool always);
  /// Expected tokens per second of a step of `sequences` where this bid gets its best count.
  double rate(const Bid& bid, int sequences, int rows) const;
  /// Seconds of a step that proposes nothing.
  double plain(int sequences) const { return seconds(sequences, 0); }

 private:
  double seconds(int rows, int drafted) const;

  std::vector<Bid*> order_;  // in which rows were granted
};

}  // namespace handmill::engine
