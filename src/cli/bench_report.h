// The results of a bench as lines of a table, in text and in Markdown, as CSV and as the plain list
// of JSON rows.
#pragma once

#include <string>
#include <vector>

#include "measure/bench_record.h"

namespace handmill::cli {

/// The definitions of all figures, for the help page.
std::string bench_figures_text();

/// Tests of speed and requests have other columns: a new head comes where the kind changes.
class BenchTable {
 public:
  explicit BenchTable(const measure::BenchRecord& record, bool markdown)
      : record_(record), markdown_(markdown) {}

  /// The line of a result, with what must stand before it.
  std::string lines(const measure::BenchResult& result);
  /// What a reader must know of the numbers: noisy tests, a noisy machine, the goal.
  std::string notes() const;

 private:
  std::string line(const std::vector<std::string>& cells, bool speed) const;
  std::string head(const measure::BenchResult& first) const;

  const measure::BenchRecord& record_;  // its goal and tightness
  bool markdown_;
  std::string above_;  // what the lines above are of
};

std::string bench_csv(const measure::BenchRecord& record);
/// A JSON row for each result, in a list or one a line.
std::string bench_rows(const measure::BenchRecord& record, bool list);

}  // namespace handmill::cli
