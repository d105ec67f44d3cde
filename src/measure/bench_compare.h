// Two benches of the same tests held against each other: by how much the second is slower, how well
// that is known, and how likely it is chance.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "measure/bench_record.h"

namespace handmill::measure {

struct CompareOptions {
  double threshold = 0.05;  // a smaller change is none, as a part of the first
  double p = 0.05;          // nor is one that chance makes as often as this
  bool unlike = false;      // other machines, models or settings are compared all the same
};

enum class Trend { kNone, kBetter, kWorse };

/// One figure of one test.
struct ComparedFigure {
  std::string setting;  // model, cache and threads
  std::string test;
  std::string metric;
  double before = 0, after = 0;  // medians
  Interval ratio;                // 95 %, of after / before
  double p = 1;                  // Wilcoxon's, of the repeats
  bool few = false;              // repeats: not even a clean split of them would tell
  Trend trend = Trend::kNone;
};

struct Comparison {
  std::vector<ComparedFigure> figures;   // in the first's order
  std::vector<std::string> alone;        // tests that one of them lacks
  std::vector<std::string> differences;  // of machines and settings, where they may differ
  /// Over all tests, whether medians moved one way: the permutation test of pairs, on logarithms.
  double paired_p = 1;
  double median_gain = 1;  // of speeds, and of times turned over: above 1 is faster
  bool is_worse() const;   // any figure
};

/// Records of different machines, models or settings are kInvalid, with what differs, unless that
/// is allowed; and so are those without a test in common.
Result<Comparison> compare(const BenchRecord& before, const BenchRecord& after,
                           const CompareOptions& options);

boost::json::object to_json(const Comparison& comparison);

}  // namespace handmill::measure
