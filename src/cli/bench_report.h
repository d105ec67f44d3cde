// The results of a bench as a table, as JSON and as CSV.
#pragma once

#include <string>
#include <vector>

#include "measure/bench_result.h"

namespace handmill::cli {

using measure::BenchResult;

/// What the columns and fields mean, for the help page.
extern const char* const kBenchFigures;

std::string bench_json(const std::vector<BenchResult>& results);
std::string bench_csv(const std::vector<BenchResult>& results);
/// The table's head, and a line of it.
std::string bench_table_head(const BenchResult& first);
std::string bench_table_row(const BenchResult& result);

}  // namespace handmill::cli
