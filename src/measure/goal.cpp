#include "measure/goal.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "base/error.h"
#include "base/quote.h"

namespace handmill::measure {
namespace {

/// A number above 0 and what follows it; 0 where there is none.
double leading_number(std::string_view text, std::string_view& rest) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || !std::isfinite(value) || value <= 0) return 0;
  rest = text.substr(static_cast<size_t>(end - text.data()));
  return value;
}

Result<double> read_time(std::string_view name, std::string_view text) {
  std::string_view unit;
  const double value = leading_number(text, unit);
  const double scale = unit == "ms" ? 1e-3 : unit == "s" ? 1 : unit == "m" ? 60 : 0;
  if (value * scale > 0) return value * scale;
  return base::invalid("{}={} is no time; times are written 200ms, 1.5s or 2m", name,
                       base::quoted(text));
}

Result<double> read_speed(std::string_view text) {
  std::string_view rest;
  const double value = leading_number(text, rest);
  if (value > 0 && rest.empty()) return value;
  return base::invalid("tg={} is no number of tokens a second", base::quoted(text));
}

Status read_wish(std::string_view name, std::string_view value, Goal& goal) {
  if (name == "tg") {
    HANDMILL_TRY(goal.tg_tok_s, read_speed(value));
    return {};
  }
  auto* time = name == "ttft"   ? &goal.ttft_s
               : name == "tpot" ? &goal.tpot_s
               : name == "e2e"  ? &goal.e2e_s
                                : nullptr;
  if (time == nullptr)
    return base::invalid("{} is no goal; there are ttft, tpot, tg and e2e", base::quoted(name));
  HANDMILL_TRY(*time, read_time(name, value));
  return {};
}

bool at_most(const std::optional<double>& value, const std::optional<double>& most) {
  return !value || !most || *value <= *most;
}

}  // namespace

std::string Goal::name() const {
  std::string out;
  const auto add = [&](const char* name, const std::optional<double>& value, const char* unit) {
    if (value) out += fmt::format("{}{}={:g}{}", out.empty() ? "" : ",", name, *value, unit);
  };
  add("ttft", ttft_s, "s");
  add("tpot", tpot_s, "s");
  add("tg", tg_tok_s, "");
  add("e2e", e2e_s, "s");
  return out;
}

bool Goal::is_met(const RequestRecord& request) const {
  if (!request.ttft_s()) return false;
  const auto speed = request.tg_tok_s();
  return at_most(request.ttft_s(), ttft_s) && at_most(request.tpot_s(), tpot_s) &&
         at_most(request.end_s, e2e_s) && (!speed || !tg_tok_s || *speed >= *tg_tok_s);
}

double Goal::share(const std::vector<RequestRecord>& requests) const {
  if (requests.empty()) return 0;
  const auto met = std::ranges::count_if(requests, [&](const auto& one) { return is_met(one); });
  return static_cast<double>(met) / static_cast<double>(requests.size());
}

bool Goal::is_reached(const BenchResult& result) const {
  const auto speed = result.median("tg_tok_s");
  return result.median("ttft_s").has_value() && at_most(result.median("ttft_s"), ttft_s) &&
         at_most(result.median("tpot_s"), tpot_s) && at_most(result.median("e2e_s"), e2e_s) &&
         (!speed || !tg_tok_s || *speed >= *tg_tok_s);
}

Result<Goal> read_goal(std::string_view words) {
  Goal goal;
  goal.tg_tok_s.reset();
  for (size_t from = 0; from <= words.size();) {
    const size_t comma = std::min(words.find(',', from), words.size());
    const std::string_view wish = words.substr(from, comma - from);
    const size_t equals = wish.find('=');
    if (equals == std::string_view::npos)
      return base::invalid("{} is no goal; one is written ttft=1s or tg=10", base::quoted(wish));
    HANDMILL_OK(read_wish(wish.substr(0, equals), wish.substr(equals + 1), goal));
    from = comma + 1;
  }
  return goal;
}

}  // namespace handmill::measure
