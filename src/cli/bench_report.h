// The results of a bench as a table, as JSON and as CSV.
#pragma once

#include <string>
#include <vector>

#include "cli/bench_measure.h"

namespace handmill::cli {

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
  /// Whether the read roof is nearer than the int8 roof.
  bool read_binds() const;
};

/// What the columns and fields mean, for the help page.
extern const char* const kBenchFigures;

std::string bench_json(const std::vector<BenchResult>& results);
std::string bench_csv(const std::vector<BenchResult>& results);
/// The table's head, and a line of it.
std::string bench_table_head(const BenchResult& first);
std::string bench_table_row(const BenchResult& result);

}  // namespace handmill::cli
