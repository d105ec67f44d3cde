// When a measurement was repeated enough, and what its repeats say of themselves: how well they
// know their median, and whether they drift, as they do where a processor gets hot or a neighbour
// comes.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "measure/statistics.h"

namespace handmill::measure {

struct Repeats {
  int fixed = 0;          // so many; 0: until the median is known well enough
  double tight = 0.02;    // that is, its 95 % interval ends no farther from it, as a part of it
  int most = 20;          // then it is told that it is not
  double budget_s = 120;  // after which no repeat of the same test begins
};

/// Told before each repeat how many there were; the first time, before the warm-up, −1.
using OnRepeat = std::function<void(int done)>;

struct Verdict {
  double median = 0;
  std::optional<Interval> interval;  // 95 %, of the median; unknown of less than six runs
  std::optional<double> within;      // its farther end from the median, as a part of it
  double drift = 0;                  // from a run to the next, as a part of the median
  bool tight = false;
  bool drifts = false;  // more than `tight` over all runs, and seldom by chance (p < 0.01)

  bool noisy() const { return !tight || drifts; }
};

/// REQUIRES: at least one run, none below 0. Of a median of 0 nothing is a part.
Verdict judge_runs(std::span<const double> runs, double tight);

/// Whether these runs, which took `seconds` so far, are enough. REQUIRES: at least one run.
bool is_enough(std::span<const double> runs, double seconds, const Repeats& repeats);

}  // namespace handmill::measure
