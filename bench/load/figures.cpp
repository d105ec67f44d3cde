#include "load/figures.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace handmill::load {
namespace {

/// Seconds for each token after the first; none where there is but one.
std::optional<double> tpot_of(const Outcome& outcome) {
  if (outcome.completion_tokens < 2 || outcome.pieces < 2) return {};
  return (outcome.last_s - outcome.first_s) / (outcome.completion_tokens - 1);
}

bool is_good(const Outcome& outcome, const Goal& goal) {
  if (outcome.kind != Outcome::Kind::kWhole || outcome.pieces == 0) return false;
  const std::optional<double> tpot = tpot_of(outcome);
  return (!goal.ttft_s || outcome.first_s - outcome.arrival_s < *goal.ttft_s) &&
         (!goal.tpot_s || !tpot || *tpot < *goal.tpot_s);
}

Result<double> seconds(std::string_view words) {
  double value = 0;
  const auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), value);
  const std::string_view unit(end, static_cast<size_t>(words.data() + words.size() - end));
  if (error != std::errc{} || !(value > 0) || !std::isfinite(value) ||
      (unit != "" && unit != "s" && unit != "ms"))
    return Error{Code::kInvalid, fmt::format("'{}' is no time; write 2, 2s or 50ms", words)};
  return unit == "ms" ? value / 1000 : value;
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&](double part) {
    const double place = part * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
  };
  return {.count = values.size(),
          .mean = std::accumulate(values.begin(), values.end(), 0.0) /
                  static_cast<double>(values.size()),
          .p50 = at(0.5),
          .p90 = at(0.9),
          .p95 = at(0.95),
          .p99 = at(0.99),
          .max = values.back()};
}

Result<Goal> read_goal(std::string_view words) {
  Goal goal;
  while (!words.empty()) {
    const std::string_view part = words.substr(0, words.find(','));
    words.remove_prefix(std::min(part.size() + 1, words.size()));
    std::optional<double>* which = part.starts_with("ttft<")   ? &goal.ttft_s
                                   : part.starts_with("tpot<") ? &goal.tpot_s
                                                               : nullptr;
    if (!which)
      return Error{Code::kInvalid, fmt::format("'{}' is no goal; write ttft<2,tpot<50ms", part)};
    HANDMILL_TRY(*which, seconds(part.substr(5)));
  }
  return goal;
}

Summary summarize(const std::vector<Outcome>& outcomes, const Goal& goal, int peak_open) {
  Summary sum;
  sum.peak_open = peak_open;
  std::vector<double> ttft, tpot, gaps, whole;
  double begin = outcomes.empty() ? 0 : outcomes.front().arrival_s, end = begin;
  for (const Outcome& one : outcomes) {
    ++sum.requests;
    begin = std::min(begin, one.arrival_s);
    end = std::max(end, one.end_s);
    if (one.kind == Outcome::Kind::kLeft) ++sum.left;
    if (one.kind == Outcome::Kind::kFailed) {
      ++sum.failed;
      ++sum.errors[one.error];
      sum.details.emplace(one.error, one.detail);
    }
    if (one.kind != Outcome::Kind::kWhole) continue;
    ++sum.whole;
    sum.good += is_good(one, goal);
    if (one.pieces > 0) ttft.push_back(one.first_s - one.arrival_s);
    if (const std::optional<double> each = tpot_of(one)) tpot.push_back(*each);
    gaps.insert(gaps.end(), one.gaps_s.begin(), one.gaps_s.end());
    whole.push_back(one.end_s - one.arrival_s);
    sum.prompt_tokens += one.prompt_tokens;
    sum.cached_tokens += one.cached_tokens;
    sum.completion_tokens += one.completion_tokens;
  }
  sum.ttft_s = spread_of(std::move(ttft));
  sum.tpot_s = spread_of(std::move(tpot));
  sum.gap_s = spread_of(std::move(gaps));
  sum.whole_s = spread_of(std::move(whole));
  sum.duration_s = end - begin;
  if (sum.duration_s > 0) {
    sum.output_tok_s = static_cast<double>(sum.completion_tokens) / sum.duration_s;
    sum.total_tok_s =
        static_cast<double>(sum.completion_tokens + sum.prompt_tokens) / sum.duration_s;
    sum.requests_s = sum.whole / sum.duration_s;
    sum.good_s = sum.good / sum.duration_s;
  }
  return sum;
}

}  // namespace handmill::load
