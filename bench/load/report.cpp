// A Summary as a table for a terminal, as Markdown and as JSON.
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <iterator>

#include "load/figures.h"

namespace handmill::load {
namespace {

namespace json = boost::json;

struct Line {
  const char* name;
  const char* unit;
  double scale;
  const Spread* spread;
};

std::array<Line, 4> lines_of(const Summary& sum) {
  return {{{"TTFT", "s", 1, &sum.ttft_s},
           {"TPOT", "ms", 1000, &sum.tpot_s},
           {"between pieces", "ms", 1000, &sum.gap_s},
           {"whole answer", "s", 1, &sum.whole_s}}};
}

std::string goal_words(const Goal& goal) {
  std::string words;
  if (goal.ttft_s) words += fmt::format("TTFT < {} s", *goal.ttft_s);
  if (goal.tpot_s)
    words += fmt::format("{}TPOT < {} ms", words.empty() ? "" : ", ", *goal.tpot_s * 1000);
  return words;
}

/// What there is to say beside the percentiles, a line each.
std::string sentences(const Summary& sum, const Goal& goal, const char* before) {
  std::string out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{}{} requests in {:.1f} s: {} whole, {} left early, {} failed; {} at once\n",
                 before, sum.requests, sum.duration_s, sum.whole, sum.left, sum.failed,
                 sum.peak_open);
  fmt::format_to(to, "{}output {:.1f} tok/s, total {:.1f} tok/s, {:.2f} answers/s\n", before,
                 sum.output_tok_s, sum.total_tok_s, sum.requests_s);
  fmt::format_to(to, "{}tokens: {} of prompts, {} of them cached, {} of answers\n", before,
                 sum.prompt_tokens, sum.cached_tokens, sum.completion_tokens);
  if (const std::string words = goal_words(goal); !words.empty())
    fmt::format_to(to, "{}goodput under {}: {:.2f} answers/s, {:.1f} % of requests\n", before,
                   words, sum.good_s, sum.requests ? 100.0 * sum.good / sum.requests : 0.0);
  for (const auto& [kind, count] : sum.errors)
    fmt::format_to(to, "{}failed, {}: {}  {}\n", before, kind, count,
                   sum.details.at(kind).substr(0, 200));
  return out;
}

json::object spread_json(const Spread& spread) {
  return {{"count", spread.count}, {"mean", spread.mean}, {"p50", spread.p50}, {"p90", spread.p90},
          {"p95", spread.p95},     {"p99", spread.p99},   {"max", spread.max}};
}

}  // namespace

std::string as_table(const Summary& sum, const Goal& goal) {
  std::string out = sentences(sum, goal, "");
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{:<20}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "", "p50", "p90", "p95", "p99",
                 "mean", "max");
  for (const Line& line : lines_of(sum)) {
    const Spread& s = *line.spread;
    fmt::format_to(to, "{:<20}", fmt::format("{}, {}", line.name, line.unit));
    for (const double value : {s.p50, s.p90, s.p95, s.p99, s.mean, s.max})
      fmt::format_to(to, "{:>10.3f}", value * line.scale);
    out += '\n';
  }
  return out;
}

std::string as_markdown(const Summary& sum, const Goal& goal) {
  std::string out = sentences(sum, goal, "- ");
  out += "\n| | p50 | p90 | p95 | p99 | mean | max |\n|---|---:|---:|---:|---:|---:|---:|\n";
  auto to = std::back_inserter(out);
  for (const Line& line : lines_of(sum)) {
    const Spread& s = *line.spread;
    fmt::format_to(to, "| {}, {} |", line.name, line.unit);
    for (const double value : {s.p50, s.p90, s.p95, s.p99, s.mean, s.max})
      fmt::format_to(to, " {:.3f} |", value * line.scale);
    out += '\n';
  }
  return out;
}

std::string as_json(const Summary& sum, const Goal& goal) {
  json::object errors, details;
  for (const auto& [kind, count] : sum.errors) errors[kind] = count;
  for (const auto& [kind, words] : sum.details) details[kind] = words;
  json::object out{{"requests", sum.requests},
                   {"whole", sum.whole},
                   {"left", sum.left},
                   {"failed", sum.failed},
                   {"errors", std::move(errors)},
                   {"details", std::move(details)},
                   {"peak_open", sum.peak_open},
                   {"duration_s", sum.duration_s},
                   {"ttft_s", spread_json(sum.ttft_s)},
                   {"tpot_s", spread_json(sum.tpot_s)},
                   {"itl_s", spread_json(sum.gap_s)},
                   {"whole_s", spread_json(sum.whole_s)},
                   {"prompt_tokens", sum.prompt_tokens},
                   {"cached_tokens", sum.cached_tokens},
                   {"completion_tokens", sum.completion_tokens},
                   {"output_tok_s", sum.output_tok_s},
                   {"total_tok_s", sum.total_tok_s},
                   {"requests_s", sum.requests_s},
                   {"good", sum.good},
                   {"good_s", sum.good_s},
                   {"goal", goal_words(goal)}};
  return json::serialize(out) + "\n";
}

}  // namespace handmill::load
