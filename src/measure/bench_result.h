// What the repeats of one test say together: medians and spreads of speeds, of the machine's roofs
// at their time, and of the parts of these that they reached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "measure/bench.h"

namespace handmill::measure {

/// Of some repeats.
struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};
/// REQUIRES: at least one value.
Spread spread_around_median(std::vector<double> values);

struct BenchResult {
  BenchTest test;
  int threads = 0;
  int repeats = 0;
  std::vector<BenchSample> samples;  // at least one
  std::string model;
  std::string kv;
  std::string backend;

  /// Of a figure of the samples: spread(&BenchSample::tok_s).
  Spread spread(double (BenchSample::*figure)() const) const;
  Spread read_roof() const;  // bytes a second
  Spread int8_roof() const;  // operations a second
  /// Whether the read roof is nearer than the int8 roof.
  bool read_binds() const;
  /// Of all repeats together.
  model::Work work() const;
  double per_token(uint64_t amount) const;
};

}  // namespace handmill::measure
