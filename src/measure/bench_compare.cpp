#include "measure/bench_compare.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <fmt/format.h>
#include <optional>

#include "base/error.h"
#include "measure/metrics.h"
#include "measure/statistics.h"

namespace handmill::measure {
namespace {

namespace json = boost::json;

std::string setting_of(const BenchResult& result) {
  std::string out = result.model;
  if (!result.kv.empty()) out += ", kv " + result.kv;
  if (result.threads > 0) out += fmt::format(", {} threads", result.threads);
  return out;
}

bool same_test(const BenchResult& a, const BenchResult& b) {
  return a.test == b.test && a.model == b.model && a.kv == b.kv && a.threads == b.threads;
}

/// What should be the same and is not: "processor: A and B".
std::vector<std::string> differences_of(const Environment& a, const Environment& b) {
  std::vector<std::string> out;
  const auto text = [&](const char* name, const std::string& one, const std::string& other) {
    if (one != other) out.push_back(fmt::format("{}: \"{}\" and \"{}\"", name, one, other));
  };
  const auto number = [&](const char* name, auto one, auto other) {
    if (one != other) out.push_back(fmt::format("{}: {} and {}", name, one, other));
  };
  text("processor", a.cpu, b.cpu);
  text("instruction set", a.isa, b.isa);
  text("target", a.target, b.target);
  text("speculation", a.speculate, b.speculate);
  number("bytes of the model", a.model_bytes, b.model_bytes);
  number("usable threads", a.threads_usable, b.threads_usable);
  return out;
}

/// Above 1 is faster, of speeds as of times.
double gain(const ComparedFigure& figure) {
  const double ratio = figure.after / figure.before;
  return metric(figure.metric).more_is_better ? ratio : 1 / ratio;
}

/// Nothing where a run is not above 0, of which there is no ratio.
std::optional<ComparedFigure> figure_of(const BenchResult& result, const Series& before,
                                        const Series& after, const CompareOptions& options) {
  const auto positive = [](const Series& series) {
    return std::ranges::all_of(series.runs, [](double value) { return value > 0; });
  };
  if (!positive(before) || !positive(after)) return {};
  ComparedFigure out;
  out.setting = setting_of(result);
  out.test = title_of(result.test);
  out.metric = before.metric;
  out.before = median_of(before.runs);
  out.after = median_of(after.runs);
  out.ratio = ratio_interval(before.runs, after.runs);
  out.p = groups_p(before.runs, after.runs);
  // The likeliest of clean splits: all of one below all of the other.
  std::vector<double> low(before.runs.size(), 1), high(after.runs.size(), 2);
  for (size_t i = 0; i < low.size(); ++i) low[i] += 1e-6 * static_cast<double>(i);
  for (size_t i = 0; i < high.size(); ++i) high[i] += 1e-6 * static_cast<double>(i);
  out.few = groups_p(low, high) >= options.p;
  if (out.p >= options.p) return out;
  const double faster = gain(out);
  if (faster < 1 - options.threshold) out.trend = Trend::kWorse;
  if (faster > 1 + options.threshold) out.trend = Trend::kBetter;
  return out;
}

const BenchResult* partner(const BenchRecord& record, const BenchResult& of) {
  const auto at =
      std::ranges::find_if(record.results, [&](const BenchResult& r) { return same_test(r, of); });
  return at == record.results.end() ? nullptr : &*at;
}

void add_figures(const BenchResult& before, const BenchResult& after, const CompareOptions& options,
                 Comparison& out) {
  for (const Series* series : judged(before)) {
    const Series* other = after.find(series->metric);
    if (other == nullptr) continue;
    if (auto figure = figure_of(before, *series, *other, options))
      out.figures.push_back(*std::move(figure));
  }
}

std::string_view trend_name(Trend trend) {
  return trend == Trend::kWorse ? "worse" : trend == Trend::kBetter ? "better" : "none";
}

}  // namespace

bool Comparison::is_worse() const {
  return std::ranges::any_of(figures, [](const auto& one) { return one.trend == Trend::kWorse; });
}

Result<Comparison> compare(const BenchRecord& before, const BenchRecord& after,
                           const CompareOptions& options) {
  Comparison out;
  out.differences = differences_of(before.environment, after.environment);
  if (!out.differences.empty() && !options.unlike)
    return base::invalid("they are not alike: {}", fmt::join(out.differences, "; "));
  for (const BenchResult& result : before.results) {
    const BenchResult* other = partner(after, result);
    if (other == nullptr)
      out.alone.push_back(title_of(result.test) + " (" + setting_of(result) + ")");
    else
      add_figures(result, *other, options, out);
  }
  for (const BenchResult& result : after.results)
    if (partner(before, result) == nullptr)
      out.alone.push_back(title_of(result.test) + " (" + setting_of(result) + ")");
  if (out.figures.empty())
    return base::invalid("they have no test in common{}{}", out.alone.empty() ? "" : ": ",
                         fmt::join(out.alone, "; "));
  std::vector<double> gains, logarithms;
  for (const ComparedFigure& figure : out.figures) gains.push_back(gain(figure));
  for (const double one : gains) logarithms.push_back(std::log(one));
  out.median_gain = median_of(gains);
  out.paired_p = paired_p(logarithms);
  return out;
}

json::object to_json(const Comparison& comparison) {
  json::array figures;
  for (const ComparedFigure& one : comparison.figures)
    figures.push_back(json::object{{"setting", one.setting},
                                   {"test", one.test},
                                   {"metric", one.metric},
                                   {"before", one.before},
                                   {"after", one.after},
                                   {"ratio", one.after / one.before},
                                   {"ratio_ci95", json::array{one.ratio.low, one.ratio.high}},
                                   {"p", one.p},
                                   {"few_repeats", one.few},
                                   {"change", trend_name(one.trend)}});
  return {
      {"figures", std::move(figures)},
      {"alone", json::array(comparison.alone.begin(), comparison.alone.end())},
      {"differences", json::array(comparison.differences.begin(), comparison.differences.end())},
      {"median_gain", comparison.median_gain},
      {"paired_p", comparison.paired_p},
      {"worse", comparison.is_worse()}};
}

}  // namespace handmill::measure
