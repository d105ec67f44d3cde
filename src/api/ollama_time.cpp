#include "api/ollama_time.h"

#include <fmt/format.h>
#include <limits>

namespace handmill::api::ollama {
namespace {

using Ns = std::chrono::nanoseconds;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes a unit off the front of `text`; 0: there is none.
int64_t take_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    int64_t ns;
  };
  // The micro sign exists twice in Unicode. Longer names first, for "m" begins "ms".
  static constexpr Unit kUnits[] = {
      {"ns", 1},         {"us", 1'000},        {"\u00b5s", 1'000},    {"\u03bcs", 1'000},
      {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.ns;
  }
  return 0;
}

/// "1.5h" at the front of `text`, in nanoseconds; none: it is not one, or too long.
std::optional<int64_t> take_part(std::string_view& text) {
  int64_t whole = 0;
  double fraction = 0, place = 1;
  bool digits = false;
  for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
    const int64_t digit = text[0] - '0';
    if (whole > (kMost - digit) / 10) return {};
    whole = whole * 10 + digit;
    digits = true;
  }
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
      place /= 10;
      fraction += (text[0] - '0') * place;
      digits = true;
    }
  }
  const int64_t unit = digits ? take_unit(text) : 0;
  if (unit == 0 || whole > kMost / unit) return {};
  const auto rest = static_cast<int64_t>(fraction * static_cast<double>(unit));
  if (rest > kMost - whole * unit) return {};
  return whole * unit + rest;
}

}  // namespace

std::optional<Ns> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return Ns(0);
  if (text.empty()) return {};
  int64_t sum = 0;
  while (!text.empty()) {
    const auto part = take_part(text);
    if (!part || *part > kMost - sum) return {};
    sum += *part;
  }
  return Ns(negative ? -sum : sum);
}

std::string rfc3339(int64_t ns) {
  using namespace std::chrono;
  // Whole seconds first: the day in which the earliest time lies begins before it, where no count
  // of nanoseconds reaches.
  const auto whole = floor<std::chrono::seconds>(Ns(ns));
  const auto days = floor<std::chrono::days>(whole);
  const year_month_day date{sys_days(days)};
  const hh_mm_ss time(whole - days);
  const Ns nanos = (Ns(ns) % 1s + 1s) % 1s;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     nanos.count());
}

}  // namespace handmill::api::ollama
