#include "cli/bench_report.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "cli/figures.h"
#include "cli/wrap.h"
#include "measure/metrics.h"

namespace handmill::cli {
namespace {

using measure::BenchRecord;
using measure::BenchResult;
using measure::Series;

struct Column {
  const char* name;
  int width;
};
constexpr Column kSpeedColumns[] = {{"test", -8},       {"depth", 8},    {"batch", 7},
                                    {"threads", 9},     {"tok/s", 11},   {"known to", 11},
                                    {"low - high", 18}, {"that is", 12}, {"of the roof", 18}};
constexpr Column kRequestColumns[] = {{"test", -15},      {"cached", 7},   {"batch", 6},
                                      {"TTFT", 10},       {"PP", 8},       {"TG", 8},
                                      {"known to", 9},    {"of roof", 9},  {"gap p50/p99", 16},
                                      {"end to end", 11}, {"together", 9}, {"goal", 16}};

std::string or_dash(const std::optional<double>& value) {
  return value ? three_digits(*value) : "-";
}

std::string time_text(const std::optional<double>& seconds) {
  if (!seconds) return "-";
  return *seconds < 1 ? three_digits(*seconds * 1e3) + " ms" : three_digits(*seconds) + " s";
}

std::string known_to(const Series* series, double tight) {
  if (series == nullptr) return "-";
  const measure::Verdict verdict = measure::judge_runs(series->runs, tight);
  return verdict.within ? fmt::format("±{:.1f} %", 100 * *verdict.within) : "few runs";
}

std::vector<std::string> speed_cells(const BenchResult& r, double tight) {
  const Series& speed = *r.find("tok_s");
  const double tok_s = measure::median_of(speed.runs);
  const auto [low, high] = std::ranges::minmax(speed.runs);
  std::string rate, part;
  if (r.read_binds()) {
    rate = fmt::format("{:.1f} GB/s", tok_s * r.work->bytes / 1e9);
    part = fmt::format("{:.0f} % of {:.1f}", 100 * r.median("of_read_roof").value_or(0),
                       r.median("read_bytes_s").value_or(0) / 1e9);
  } else {
    rate = fmt::format("{:.0f} GOP/s", tok_s * r.work->ops / 1e9);
    part = fmt::format("{:.0f} % of {:.0f}", 100 * r.median("of_int8_roof").value_or(0),
                       r.median("int8_ops_s").value_or(0) / 1e9);
  }
  return {r.test.name,
          fmt::format("{}", r.test.depth),
          fmt::format("{}", r.test.batch),
          fmt::format("{}", r.threads),
          fmt::format("{:.1f}", tok_s),
          known_to(&speed, tight),
          fmt::format("{:.1f} - {:.1f}", low, high),
          rate,
          part};
}

std::vector<std::string> request_cells(const BenchResult& r, const BenchRecord& record) {
  const auto tg = r.median("tg_tok_s"), roof = r.median("tg_roof_tok_s");
  const auto p50 = r.median("gap_p50_s"), p99 = r.median("gap_p99_s");
  return {r.test.name,
          fmt::format("{}", r.test.depth),
          fmt::format("{}", r.test.batch),
          time_text(r.median("ttft_s")),
          or_dash(r.median("pp_tok_s")),
          or_dash(tg),
          known_to(r.find("tg_tok_s"), record.tight),
          tg && roof && *roof > 0 ? fmt::format("{:.0f} %", 100 * *tg / *roof) : "-",
          p50 && p99 ? fmt::format("{:.1f}/{:.1f} ms", *p50 * 1e3, *p99 * 1e3) : "-",
          time_text(r.median("e2e_s")),
          or_dash(r.median("out_tok_s")),
          fmt::format("{}, {:.0f} %", record.goal.is_reached(r) ? "reached" : "missed",
                      100 * r.goal_share)};
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string number_cell(const std::optional<double>& value) {
  return value ? fmt::format("{:.6g}", *value) : "";
}

using CsvFields = std::vector<std::pair<std::string, std::string>>;

/// Of a test of speed, what its repeats and roofs say; of requests empty.
void add_speed_fields(const BenchResult& r, CsvFields& fields) {
  const Series* speed = r.find("tok_s");
  const auto of_runs = [&](auto&& figure) {
    return speed == nullptr ? std::string() : fmt::format("{:.3f}", figure(speed->runs));
  };
  const auto median = [&](const char* name, auto format) {
    const auto value = r.median(name);
    return value ? fmt::format(format, *value) : std::string();
  };
  fields.emplace_back("median", of_runs([](const auto& v) { return measure::median_of(v); }));
  fields.emplace_back("low", of_runs([](const auto& v) { return std::ranges::min(v); }));
  fields.emplace_back("high", of_runs([](const auto& v) { return std::ranges::max(v); }));
  fields.emplace_back("bytes_per_token", r.work ? fmt::format("{:.0f}", r.work->bytes) : "");
  fields.emplace_back("ops_per_token", r.work ? fmt::format("{:.0f}", r.work->ops) : "");
  for (const char* roof : {"read_bytes_s", "int8_ops_s"})
    fields.emplace_back(roof, median(roof, FMT_STRING("{:.5g}")));
  for (const char* part : {"of_read_roof", "of_int8_roof"})
    fields.emplace_back(part, median(part, FMT_STRING("{:.4f}")));
  fields.emplace_back("bound", !r.work ? "" : r.read_binds() ? "read" : "int8");
}

/// A cell for each name, the same names of every result.
CsvFields csv_fields(const BenchResult& r, const BenchRecord& record) {
  CsvFields fields = {{"test", r.test.name},
                      {"depth", std::to_string(r.test.depth)},
                      {"batch", std::to_string(r.test.batch)},
                      {"threads", std::to_string(r.threads)}};
  add_speed_fields(r, fields);
  fields.insert(fields.end(), {{"kv", r.kv},
                               {"model", r.model},
                               {"backend", r.backend},
                               {"repeats", std::to_string(r.repeats())},
                               {"version", record.environment.version},
                               {"scenario", r.test.scenario},
                               {"prompt", std::to_string(r.test.prompt)},
                               {"answer", std::to_string(r.test.answer)}});
  for (const measure::Metric& one : measure::metrics()) {
    const auto here = [&](const auto& field) { return field.first == one.name; };
    if (one.name != "tok_s" && std::ranges::none_of(fields, here))
      fields.emplace_back(one.name, number_cell(r.median(one.name)));
  }
  const auto shown = measure::judged(r);
  const auto within =
      shown.empty() ? std::nullopt : measure::judge_runs(shown.back()->runs, record.tight).within;
  fields.emplace_back("known_to", number_cell(within));
  fields.emplace_back("goal_share", r.work ? "" : fmt::format("{:.4g}", r.goal_share));
  fields.emplace_back("peak_rss_bytes",
                      r.peak_rss_bytes == 0 ? "" : std::to_string(r.peak_rss_bytes));
  return fields;
}

}  // namespace

std::string bench_figures_text() {
  std::string out = "Figures, as JSON names them; times in s, speeds in tokens a second:\n";
  for (const measure::Metric& one : measure::metrics())
    out += wrap_entry(one.name, one.definition, 16, kHelpWidth);
  out += "Of the repeats of each:\n";
  for (const measure::Metric& one : measure::metric_statistics())
    out += wrap_entry(one.name, one.definition, 16, kHelpWidth);
  out.pop_back();
  return out;
}

std::string BenchTable::line(const std::vector<std::string>& cells, bool speed) const {
  std::string out = markdown_ ? "|" : "";
  for (size_t i = 0; i < cells.size(); ++i) {
    const int width = speed ? kSpeedColumns[i].width : kRequestColumns[i].width;
    if (markdown_)
      out += " " + markdown_cell(cells[i]) + " |";
    else
      out += width < 0 ? fmt::format("{:<{}}", cells[i], -width)
                       : fmt::format("{:>{}}", cells[i], width);
  }
  return out + "\n";
}

std::string BenchTable::head(const BenchResult& first) const {
  const bool speed = first.work.has_value();
  std::string out =
      fmt::format("{}, kv {}: medians\n", first.model, first.kv.empty() ? "unknown" : first.kv);
  if (markdown_) out += "\n";
  std::vector<std::string> names, rules;
  const auto add = [&](const Column& column) {
    names.emplace_back(column.name);
    rules.emplace_back(column.width < 0 ? "---" : "---:");
  };
  if (speed)
    std::ranges::for_each(kSpeedColumns, add);
  else
    std::ranges::for_each(kRequestColumns, add);
  if (!speed) names.back() = record_.goal.name();
  out += line(names, speed);
  if (markdown_) out += line(rules, speed);
  return out;
}

std::string BenchTable::lines(const BenchResult& result) {
  const bool speed = result.work.has_value();
  const std::string kind = (speed ? "speed " : "requests ") + result.model + " " + result.kv;
  std::string out;
  if (kind != above_) out = (above_.empty() ? "" : "\n") + head(result);
  above_ = kind;
  return out +
         line(speed ? speed_cells(result, record_.tight) : request_cells(result, record_), speed);
}

std::string BenchTable::notes() const {
  std::vector<std::string> all;
  size_t few = 0;
  for (const BenchResult& result : record_.results) {
    for (const Series* series : measure::judged(result))
      few += measure::median_interval(series->runs) ? 0 : 1;
    for (const std::string& note : measure::noise_of(result, record_.tight)) all.push_back(note);
  }
  if (few > 0) all.emplace_back("less than six runs do not tell how well a median is known");
  if (record_.environment.noise)
    for (const std::string& refusal : record_.environment.noise->refusals)
      all.push_back("the machine was not quiet: " + refusal);
  std::string out;
  for (const std::string& note : all)
    out += fmt::format("{}{}\n", markdown_ ? "\n- noisy: " : "noisy: ", note);
  return out;
}

std::string bench_csv(const BenchRecord& record) {
  std::string out;
  for (const BenchResult& result : record.results) {
    std::string names, cells;
    for (const auto& [name, cell] : csv_fields(result, record)) {
      names += (names.empty() ? "" : ",") + name;
      cells += (cells.empty() ? "" : ",") + csv_cell(cell);
    }
    if (out.empty()) out = names + "\n";
    out += cells + "\n";
  }
  return out;
}

std::string bench_rows(const BenchRecord& record, bool list) {
  // A line for each result: the file can be compared and searched.
  std::string out = list ? "[" : "";
  for (size_t i = 0; i < record.results.size(); ++i) {
    if (list && i > 0) out += ",\n ";
    out += boost::json::serialize(measure::to_json(record.results[i], record, false));
    if (!list) out += "\n";
  }
  return out + (list ? "]\n" : "");
}

}  // namespace handmill::cli
