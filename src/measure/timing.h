// How long work takes. Serves the measurements of this room.
#pragma once

#include <algorithm>
#include <vector>

#include "base/seconds_of.h"

namespace handmill::measure {

using base::seconds_of;

/// The median time of `work`, after one run that is not counted: of five, or of as many as fit into
/// `budget_s`. A run that takes the whole budget counts alone, for nobody waits for it twice.
template <class Work>
double median_seconds(double budget_s, Work&& work) {
  constexpr size_t kRounds = 5;
  std::vector<double> times;
  const double first = seconds_of(work);
  for (double used = first; times.size() < kRounds && used < budget_s; used += times.back())
    times.push_back(seconds_of(work));
  if (times.empty()) return first;
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

}  // namespace handmill::measure
