// Two benches of the same tests, and whether the second is worse: for each figure the quotient of
// the medians with its interval, and how likely a difference like it is by chance.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "measure/bench_record.h"

namespace handmill::measure {

struct CompareOptions {
  double threshold = 0.05;  // a change of less is none, as a part of the first
  double p_max = 0.05;      // and so is one that is likelier by chance
  bool unlike = false;      // compare what ran under other conditions too
  bool of_roof = false;     // not speeds, but speeds as parts of the roofs of their time
};

enum class Trend { kNone, kBetter, kWorse, kTooFewRuns };
std::string_view trend_name(Trend trend);  // "same", "better", "worse", "too few runs"

struct Compared {
  BenchTest test;
  int threads = 0;
  std::string figure;  // a metric's name; with of_roof "tg_of_roof" and so on
  bool more_is_better = true;
  size_t runs_a = 0, runs_b = 0;
  double a = 0, b = 0;  // medians
  double ratio = 1;     // b / a
  Interval interval;    // of the ratio, 95 %
  double p = 1;         // that the runs lie so far apart by chance
  Trend trend = Trend::kNone;

  /// How much faster the second is, whichever way the figure counts.
  double gain() const { return more_is_better ? ratio : 1 / ratio; }
};

struct Comparison {
  std::vector<std::string> unlike;  // "model: a here, b there"
  std::vector<std::string> notes;   // tests without a partner, roofs that moved, noise
  std::vector<Compared> rows;
  double gain = 1;  // geometric mean of all rows
  double p = 1;     // that so many gains lie on one side by chance: a test of pairs

  bool is_worse() const;
};

/// Benches that have no test in common, or unlike ones without leave, are kUnsupported; the message
/// names what differs.
Result<Comparison> compare(const BenchRecord& a, const BenchRecord& b,
                           const CompareOptions& options);

boost::json::object to_json(const Comparison& comparison, const CompareOptions& options);

}  // namespace handmill::measure
