#include "measure/repeats.h"

#include <algorithm>
#include <cmath>

namespace handmill::measure {

Verdict judge_runs(std::span<const double> runs, double tight) {
  constexpr double kByChance = 0.01;  // a bench judges dozens of tests: 0.05 would cry wolf
  Verdict verdict;
  verdict.median = median_of(runs);
  verdict.interval = median_interval(runs);
  if (verdict.median <= 0) return verdict;
  if (verdict.interval)
    verdict.within =
        std::max(verdict.interval->high - verdict.median, verdict.median - verdict.interval->low) /
        verdict.median;
  verdict.tight = verdict.within && *verdict.within <= tight;
  verdict.drift = slope_of(runs) / verdict.median;
  const double over_all = std::abs(verdict.drift) * static_cast<double>(runs.size() - 1);
  verdict.drifts = over_all > tight && trend_p(runs) < kByChance;
  return verdict;
}

bool is_enough(std::span<const double> runs, double seconds, const Repeats& repeats) {
  if (repeats.fixed > 0) return static_cast<int>(runs.size()) >= repeats.fixed;
  if (static_cast<int>(runs.size()) >= repeats.most || seconds >= repeats.budget_s) return true;
  return judge_runs(runs, repeats.tight).tight;
}

}  // namespace handmill::measure
