#include "measure/compare.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>

#include "base/error.h"
#include "base/quote.h"
#include "measure/metrics.h"

namespace handmill::measure {
namespace {

using Values = std::vector<double>;

/// What is compared of a result.
struct Figures {
  std::string name;
  Values runs;
  bool more_is_better = true;
};

Values quotients(const Series* of, const Series* by) {
  Values out;
  if (of == nullptr || by == nullptr || of->runs.size() != by->runs.size()) return out;
  for (size_t i = 0; i < of->runs.size(); ++i)
    if (by->runs[i] > 0) out.push_back(of->runs[i] / by->runs[i]);
  return out;
}

std::vector<Figures> figures_of(const BenchResult& result, bool of_roof, bool read_binds) {
  std::vector<Figures> out;
  if (!of_roof) {
    for (const Series* series : judged(result))
      out.push_back({series->metric, series->runs, metric(series->metric).more_is_better});
    return out;
  }
  if (const Series* part = result.find(read_binds ? "of_read_roof" : "of_int8_roof"))
    out.push_back({part->metric, part->runs, true});
  out.push_back(
      {"pp_of_roof", quotients(result.find("pp_tok_s"), result.find("pp_roof_tok_s")), true});
  out.push_back(
      {"tg_of_roof", quotients(result.find("tg_tok_s"), result.find("tg_roof_tok_s")), true});
  return out;
}

/// The names by which the results of a bench are found; without conditions those of tests alone.
std::string key_of(const BenchResult& result, bool conditions) {
  const BenchTest& test = result.test;
  std::string key = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", test.scenario, test.name, test.prompt,
                                test.answer, test.depth, test.batch);
  if (conditions) key += fmt::format("\n{}\n{}\n{}", result.threads, result.kv, result.model);
  return key;
}

using Index = std::map<std::string, const BenchResult*>;

Result<Index> index_of(const BenchRecord& record, bool conditions, std::string_view which) {
  Index index;
  for (const BenchResult& result : record.results)
    if (!index.emplace(key_of(result, conditions), &result).second)
      return base::unsupported("the {} bench has {} more than once", which,
                               base::quoted(title_of(result.test)));
  return index;
}

void note_unlike(std::string_view what, const std::string& a, const std::string& b,
                 std::vector<std::string>& unlike) {
  if (a != b)
    unlike.push_back(fmt::format("{}: {} and {}", what, base::quoted(a), base::quoted(b)));
}

/// What all results together have of something: "2, 4".
template <class Of>
std::string all_of(const BenchRecord& record, Of&& of) {
  std::set<std::string> values;
  for (const BenchResult& result : record.results) values.insert(of(result));
  return fmt::format("{}", fmt::join(values, ", "));
}

std::vector<std::string> unlike_of(const BenchRecord& a, const BenchRecord& b) {
  std::vector<std::string> unlike;
  const auto environment = [&](const char* what, auto of) {
    note_unlike(what, fmt::format("{}", of(a.environment)), fmt::format("{}", of(b.environment)),
                unlike);
  };
  const auto results = [&](const char* what, auto of) {
    note_unlike(what, all_of(a, of), all_of(b, of), unlike);
  };
  results("model", [](const BenchResult& r) { return r.model; });
  environment("bytes of the model", [](const Environment& e) { return e.model_bytes; });
  results("kv", [](const BenchResult& r) { return r.kv; });
  results("threads", [](const BenchResult& r) { return std::to_string(r.threads); });
  environment("speculation", [](const Environment& e) { return e.speculate; });
  environment("processor", [](const Environment& e) { return e.cpu; });
  environment("instruction set", [](const Environment& e) { return e.isa; });
  environment("target", [](const Environment& e) { return e.target; });
  return unlike;
}

Trend trend_of(const Compared& row, const CompareOptions& options) {
  const double rising = row.more_is_better ? row.ratio - 1 : 1 - row.ratio;
  if (std::abs(rising) <= options.threshold) return Trend::kNone;
  // Three runs against three that lie apart wholly still do so by chance in one case of ten.
  Values apart_a, apart_b;
  for (size_t i = 0; i < row.runs_a; ++i) apart_a.push_back(static_cast<double>(i));
  for (size_t i = 0; i < row.runs_b; ++i) apart_b.push_back(static_cast<double>(row.runs_a + i));
  if (groups_p(apart_a, apart_b) >= options.p_max) return Trend::kTooFewRuns;
  if (row.p >= options.p_max) return Trend::kNone;
  return rising > 0 ? Trend::kBetter : Trend::kWorse;
}

void add_rows(const BenchResult& a, const BenchResult& b, const CompareOptions& options,
              Comparison& out) {
  const std::vector<Figures> all_a = figures_of(a, options.of_roof, a.read_binds());
  const std::vector<Figures> all_b = figures_of(b, options.of_roof, a.read_binds());
  for (const Figures& of_a : all_a) {
    const auto found = std::ranges::find(all_b, of_a.name, &Figures::name);
    const auto above_0 = [](double value) { return value > 0; };
    if (found == all_b.end() || of_a.runs.empty() || found->runs.empty() ||
        !std::ranges::all_of(of_a.runs, above_0) || !std::ranges::all_of(found->runs, above_0))
      continue;
    Compared row;
    row.test = a.test;
    row.threads = b.threads;
    row.figure = of_a.name;
    row.more_is_better = of_a.more_is_better;
    row.runs_a = of_a.runs.size();
    row.runs_b = found->runs.size();
    row.a = median_of(of_a.runs);
    row.b = median_of(found->runs);
    row.ratio = row.b / row.a;
    row.interval = ratio_interval(of_a.runs, found->runs);
    row.p = groups_p(of_a.runs, found->runs);
    row.trend = trend_of(row, options);
    out.rows.push_back(row);
  }
}

/// A machine that was faster or slower itself explains much.
void note_roofs(const Index& a, const Index& b, Comparison& out) {
  constexpr double kMoved = 0.05;
  for (const auto& [metric_name, what] :
       {std::pair{"read_bytes_s", "read memory"}, std::pair{"int8_ops_s", "multiplied"}}) {
    Values ratios;
    for (const auto& [key, result] : a) {
      const auto found = b.find(key);
      if (found == b.end()) continue;
      const auto from = result->median(metric_name), to = found->second->median(metric_name);
      if (from && to && *from > 0) ratios.push_back(*to / *from);
    }
    if (ratios.empty()) continue;
    const double moved = median_of(ratios) - 1;
    if (std::abs(moved) > kMoved)
      out.notes.push_back(
          fmt::format("the machine itself {} {:.0f} % {} in the second; --of-roof "
                      "compares parts of the roofs",
                      what, 100 * std::abs(moved), moved > 0 ? "faster" : "slower"));
  }
}

void note_alone(const Index& here, const Index& there, std::string_view which, Comparison& out) {
  for (const auto& [key, result] : here)
    if (!there.contains(key))
      out.notes.push_back(
          fmt::format("only the {} has {}", which, base::quoted(title_of(result->test))));
}

void note_noise(const BenchRecord& record, std::string_view which, Comparison& out) {
  if (!record.environment.noise) return;
  for (const std::string& refusal : record.environment.noise->refusals)
    out.notes.push_back(
        fmt::format("the machine was not quiet in the {}: {}", which, base::quoted(refusal, 200)));
}

}  // namespace

std::string_view trend_name(Trend change) {
  switch (change) {
    case Trend::kNone: return "same";
    case Trend::kBetter: return "better";
    case Trend::kWorse: return "worse";
    case Trend::kTooFewRuns: return "too few runs";
  }
  return "same";
}

bool Comparison::is_worse() const {
  return std::ranges::any_of(rows, [](const Compared& row) { return row.trend == Trend::kWorse; });
}

Result<Comparison> compare(const BenchRecord& a, const BenchRecord& b,
                           const CompareOptions& options) {
  Comparison out;
  out.unlike = unlike_of(a, b);
  if (!out.unlike.empty() && !options.unlike)
    return base::unsupported(
        "these benches differ in more than what they measured ({}); --unlike "
        "compares them all the same",
        fmt::join(out.unlike, "; "));
  HANDMILL_TRY(const Index all_a, index_of(a, !options.unlike, "first"));
  HANDMILL_TRY(const Index all_b, index_of(b, !options.unlike, "second"));
  for (const BenchResult& result : a.results) {
    const auto found = all_b.find(key_of(result, !options.unlike));
    if (found != all_b.end()) add_rows(result, *found->second, options, out);
  }
  if (out.rows.empty()) return base::unsupported("these benches have no test in common");
  note_alone(all_a, all_b, "first", out);
  note_alone(all_b, all_a, "second", out);
  if (!options.of_roof) note_roofs(all_a, all_b, out);
  note_noise(a, "first", out);
  note_noise(b, "second", out);
  Values logs;
  for (const Compared& row : out.rows) logs.push_back(std::log(row.gain()));
  double sum = 0;
  for (const double log : logs) sum += log;
  out.gain = std::exp(sum / static_cast<double>(logs.size()));
  out.p = paired_p(logs);
  return out;
}

boost::json::object to_json(const Comparison& comparison, const CompareOptions& options) {
  namespace json = boost::json;
  json::array unlike, notes, rows;
  for (const std::string& text : comparison.unlike) unlike.emplace_back(text);
  for (const std::string& text : comparison.notes) notes.emplace_back(text);
  for (const Compared& row : comparison.rows)
    rows.push_back(json::object{{"test", row.test.name},
                                {"scenario", row.test.scenario},
                                {"depth", row.test.depth},
                                {"batch", row.test.batch},
                                {"threads", row.threads},
                                {"figure", row.figure},
                                {"more_is_better", row.more_is_better},
                                {"runs", {row.runs_a, row.runs_b}},
                                {"a", row.a},
                                {"b", row.b},
                                {"ratio", row.ratio},
                                {"ci95", {row.interval.low, row.interval.high}},
                                {"p", row.p},
                                {"change", trend_name(row.trend)}});
  return {{"threshold", options.threshold},
          {"p_max", options.p_max},
          {"of_roof", options.of_roof},
          {"unlike", std::move(unlike)},
          {"notes", std::move(notes)},
          {"rows", std::move(rows)},
          {"gain", comparison.gain},
          {"p", comparison.p},
          {"worse", comparison.is_worse()},
          {"definitions",
           {{"ratio", "median of the second over median of the first"},
            {"ci95", "95 % of the ratios of medians of 4000 redraws of the runs"},
            {"p",
             "of a row: that its runs lie so far apart by chance (permutation test of the sum "
             "of ranks); of all: that the gains lie so far to one side (permutation test of "
             "pairs on their logarithms)"},
            {"change", "beyond the threshold and less likely by chance than p_max"},
            {"gain", "geometric mean of how much faster the second is"}}}};
}

}  // namespace handmill::measure
