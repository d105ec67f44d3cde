// A bench as it runs: what it is at on a terminal, results printed as they come, and at the end
// what else the format wants.
#pragma once

#include <string>

#include "cli/bench_report.h"
#include "measure/bench_record.h"
#include "probe/load.h"

namespace handmill::cli {

/// A line on a terminal while a test runs; it goes when this object does.
class BenchProgress {
 public:
  BenchProgress() = default;
  BenchProgress(const BenchProgress&) = delete;
  BenchProgress& operator=(const BenchProgress&) = delete;
  ~BenchProgress() { clear(); }
  /// `done` repeats are; −1: the warm-up runs.
  void show(const measure::BenchTest& test, int done);
  void clear();

 private:
  bool shown_ = false;
};

class BenchOutput {
 public:
  /// `format`: table, markdown, csv, json (rows), jsonl (rows) or record.
  BenchOutput(std::string format, measure::BenchRecord& record);

  /// Puts it into the record.
  void add(measure::BenchResult result);
  /// Judges the machine's noise since the begin, and prints what is left.
  void finish();

 private:
  bool is_table() const { return format_ == "table" || format_ == "markdown"; }

  std::string format_;
  measure::BenchRecord& record_;
  BenchTable table_;
  probe::LoadReading before_;
};

}  // namespace handmill::cli
