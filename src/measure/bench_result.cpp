#include "measure/bench_result.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

#include "backend/backend.h"
#include "measure/metrics.h"

namespace handmill::measure {

int64_t BenchTest::positions_needed() const {
  // Whole blocks for every sequence, and one to spare for the token after the last.
  const int64_t each = int64_t{depth} + prompt + answer + 2 * backend::kKvBlock;
  return each * batch;
}

BenchTest speed_test(bool prefill, int tokens, int depth, int batch) {
  return {"speed",
          fmt::format("{}{}", prefill ? "pp" : "tg", tokens),
          prefill ? tokens : 0,
          prefill ? 0 : tokens,
          depth,
          batch};
}

const Series* BenchResult::find(std::string_view metric) const {
  const auto found = std::ranges::find(series, metric, &Series::metric);
  return found == series.end() || found->runs.empty() ? nullptr : &*found;
}

std::optional<double> BenchResult::median(std::string_view metric) const {
  const Series* found = find(metric);
  return found != nullptr ? std::optional(median_of(found->runs)) : std::nullopt;
}

void BenchResult::add(std::string_view metric, std::optional<double> value) {
  if (!value) return;
  auto found = std::ranges::find(series, metric, &Series::metric);
  if (found == series.end()) found = series.insert(series.end(), {std::string(metric), {}});
  found->runs.push_back(*value);
}

int BenchResult::repeats() const {
  size_t most = 0;
  for (const Series& each : series) most = std::max(most, each.runs.size());
  return static_cast<int>(most);
}

bool BenchResult::read_binds() const {
  return median("of_read_roof").value_or(0) >= median("of_int8_roof").value_or(0);
}

void add_run(BenchResult& result, std::vector<RequestRecord> requests) {
  const auto median = [&](auto figure) -> std::optional<double> {
    std::vector<double> values;
    for (const RequestRecord& one : requests)
      if (const std::optional<double> value = figure(one)) values.push_back(*value);
    return values.empty() ? std::nullopt : std::optional(median_of(values));
  };
  using Record = RequestRecord;
  result.add("ttft_s", median([](const Record& one) { return one.ttft_s(); }));
  result.add("pp_tok_s", median([](const Record& one) { return one.pp_tok_s(); }));
  result.add("tpot_s", median([](const Record& one) { return one.tpot_s(); }));
  result.add("tg_tok_s", median([](const Record& one) { return one.tg_tok_s(); }));
  result.add("e2e_s", median([](const Record& one) { return std::optional(one.end_s); }));
  std::vector<double> gaps;
  double answers = 0, end_s = 0;
  for (const RequestRecord& one : requests) {
    const std::vector<double> own = one.gaps_s();
    gaps.insert(gaps.end(), own.begin(), own.end());
    answers += one.answer_tokens;
    end_s = std::max(end_s, one.end_s);
  }
  if (!gaps.empty()) {
    result.add("gap_p50_s", percentile_of(gaps, 50));
    result.add("gap_p90_s", percentile_of(gaps, 90));
    result.add("gap_p99_s", percentile_of(gaps, 99));
  }
  if (end_s > 0) result.add("out_tok_s", answers / end_s);
  std::ranges::move(requests, std::back_inserter(result.requests));
}

std::vector<const Series*> judged(const BenchResult& result) {
  std::vector<const Series*> found;
  for (const std::string_view name : {"tok_s", "ttft_s", "tg_tok_s"})
    if (const Series* series = result.find(name)) found.push_back(series);
  return found;
}

bool is_enough(const BenchResult& result, double seconds, const Repeats& repeats) {
  return std::ranges::all_of(judged(result), [&](const Series* series) {
    return is_enough(series->runs, seconds, repeats);
  });
}

std::vector<std::string> noise_of(const BenchResult& result, double tight) {
  std::vector<std::string> notes;
  const auto note = [&](const Series& series, const std::string& what) {
    notes.push_back(
        fmt::format("{}: {} {}", title_of(result.test), metric(series.metric).label, what));
  };
  for (const Series* series : judged(result)) {
    const Verdict verdict = judge_runs(series->runs, tight);
    if (verdict.within && !verdict.tight)
      note(*series, fmt::format("is known to ±{:.1f} % after {} runs", 100 * *verdict.within,
                                series->runs.size()));
    if (verdict.drifts)
      note(*series, fmt::format("drifts by {:+.1f} % a run", 100 * verdict.drift));
  }
  return notes;
}

std::string title_of(const BenchTest& test) {
  std::string title = test.name;
  if (test.scenario != "speed") return title;
  if (test.depth > 0) title += fmt::format(", depth {}", test.depth);
  if (test.batch > 1) title += fmt::format(", batch {}", test.batch);
  return title;
}

}  // namespace handmill::measure
