#include "cli/bench_output.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace handmill::cli {
namespace {

measure::Noise noise_since(const probe::LoadReading& before, const measure::BenchRecord& record) {
  int threads = 1;
  std::vector<double> reads, ops;
  for (const measure::BenchResult& result : record.results) {
    threads = std::max(threads, result.threads);
    if (const auto roof = result.median("read_bytes_s")) reads.push_back(*roof);
    if (const auto roof = result.median("int8_ops_s")) ops.push_back(*roof);
  }
  return measure::judge(before, probe::read_load(), threads, reads, ops);
}

}  // namespace

void BenchProgress::clear() {
  if (shown_) fmt::print(stderr, "{}", terminal::kClearLine);
  shown_ = false;
}

void BenchProgress::show(const measure::BenchTest& test, int done) {
  if (!terminal::has_style(STDERR_FILENO)) return;
  shown_ = true;
  fmt::print(stderr, "{}measuring {}, {} …", terminal::kClearLine, measure::title_of(test),
             done < 0 ? "warm-up" : fmt::format("run {}", done + 1));
}

BenchOutput::BenchOutput(std::string format, measure::BenchRecord& record)
    : format_(std::move(format)),
      record_(record),
      table_(record, format_ == "markdown"),
      before_(probe::read_load()) {}

void BenchOutput::add(measure::BenchResult result) {
  record_.results.push_back(std::move(result));
  if (!is_table()) return;
  const measure::BenchResult& last = record_.results.back();
  if (record_.results.size() == 1 && format_ == "table") fmt::print("{}\n", last.backend);
  fmt::print("{}", table_.lines(last));
  std::fflush(stdout);
}

void BenchOutput::finish() {
  // Of a server nobody here knows what else it had to do.
  if (record_.environment.target == "engine")
    record_.environment.noise = noise_since(before_, record_);
  if (is_table()) fmt::print("{}", table_.notes());
  if (format_ == "csv") fmt::print("{}", bench_csv(record_));
  if (format_ == "json") fmt::print("{}", bench_rows(record_, true));
  if (format_ == "jsonl") fmt::print("{}", bench_rows(record_, false));
  if (format_ == "record") fmt::print("{}", measure::record_json(record_));
}

}  // namespace handmill::cli
