// Every figure that a bench takes, with its one definition: help pages, records, reports and
// comparisons all read this table.
#pragma once

#include <span>
#include <string_view>

namespace handmill::measure {

struct Metric {
  std::string_view name;   // as records call it; its unit is its end
  std::string_view label;  // as people call it: "TTFT"
  std::string_view definition;
  bool more_is_better = true;
};

/// All, in the order in which they are shown.
std::span<const Metric> metrics();
/// REQUIRES: one of them has the name.
const Metric& metric(std::string_view name);

/// What is said of the repeats of each: median, ci95, mad, tight, drift.
std::span<const Metric> metric_statistics();

}  // namespace handmill::measure
