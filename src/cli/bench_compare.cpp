// handmill bench compare: two records of benches against each other, for people and for CI.
#include "measure/bench_compare.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/figures.h"
#include "cli/home.h"
#include "cli/input.h"
#include "cli/terminal.h"
#include "measure/metrics.h"

namespace handmill::cli {
namespace {

struct CompareFlags {
  std::string before, after;
  double threshold_percent = 5, p = 0.05;
  bool unlike = false, json = false;
};

Result<measure::BenchRecord> read_record(const std::string& path) {
  HANDMILL_TRY(const std::string text, read_file(path));
  auto record = measure::record_from_json(text);
  if (!record.ok())
    return base::make_error(record.error().code, "{}: {}", path, record.error().message);
  return record;
}

std::string figure_text(std::string_view metric, double value) {
  if (metric.ends_with("tok_s")) return three_digits(value) + " tok/s";
  return value < 1 ? three_digits(value * 1e3) + " ms" : three_digits(value) + " s";
}

std::string verdict_text(const measure::ComparedFigure& figure) {
  if (figure.trend == measure::Trend::kWorse) return "WORSE";
  if (figure.trend == measure::Trend::kBetter) return "better";
  return figure.few ? "too few repeats" : "";
}

std::string comparison_text(const measure::Comparison& comparison) {
  std::string out, setting;
  for (const measure::ComparedFigure& figure : comparison.figures) {
    if (figure.setting != setting) {
      setting = figure.setting;
      out +=
          fmt::format("{}{}\n{:<24}{:<8}{:>12}{:>12}{:>8}  {:<16}{:>7}\n", out.empty() ? "" : "\n",
                      setting, "test", "figure", "before", "after", "ratio", "95 %", "p");
    }
    out +=
        fmt::format("{:<24}{:<8}{:>12}{:>12}{:>8.3f}  {:<16}{:>7.3f}  {}\n", figure.test,
                    measure::metric(figure.metric).label, figure_text(figure.metric, figure.before),
                    figure_text(figure.metric, figure.after), figure.after / figure.before,
                    fmt::format("{:.3f} to {:.3f}", figure.ratio.low, figure.ratio.high), figure.p,
                    verdict_text(figure));
  }
  for (const std::string& one : comparison.alone)
    out += fmt::format("only in one of them: {}\n", one);
  for (const std::string& one : comparison.differences) out += fmt::format("unlike: {}\n", one);
  return out +
         fmt::format("All together: {:.3f} times as fast in the median (p {:.3f} by pairs).\n",
                     comparison.median_gain, comparison.paired_p);
}

Result<measure::Comparison> compared(const CompareFlags& flags) {
  HANDMILL_TRY(const auto before, read_record(flags.before));
  HANDMILL_TRY(const auto after, read_record(flags.after));
  return measure::compare(before, after, {flags.threshold_percent / 100, flags.p, flags.unlike});
}

Result<int> compare(const CompareFlags& flags) {
  const auto comparison = compared(flags);
  if (!comparison.ok()) {
    fmt::print(stderr, "handmill: {}\n", terminal::printable(comparison.error().message));
    return kExitUsage;
  }
  const std::string text = flags.json ? boost::json::serialize(measure::to_json(*comparison)) + "\n"
                                      : comparison_text(*comparison);
  fmt::print("{}", terminal::is_terminal(STDOUT_FILENO) ? terminal::printable(text) : text);
  return comparison->is_worse() ? kExitFailed : kExitOk;
}

/// Inside (0, below].
Args::Setter positive(double& out, double below) {
  return [&out, below](const std::vector<std::string>& values) -> Status {
    HANDMILL_TRY(out, parse_number(values.back()));
    if (out > 0 && out <= below) return {};
    return base::invalid("{} is not above 0 and up to {}", values.back(), below);
  };
}

}  // namespace

Action declare_bench_compare(Args& args) {
  auto flags = std::make_shared<CompareFlags>();
  args.positional("BEFORE", flags->before, "What `handmill bench --json` wrote");
  args.positional("AFTER", flags->after, "The same, later or with another program");
  args.option("--threshold", "PERCENT", positive(flags->threshold_percent, 100),
              "A smaller change is none [5]");
  args.option("--p", "P", positive(flags->p, 1), "Nor is one that chance makes so often [0.05]");
  args.flag("--unlike", flags->unlike,
            "Compare other machines, models and settings too, and say what differs");
  args.flag("--json", flags->json, "One JSON object");
  args.check([flags]() -> Status {
    if (!flags->before.empty() && !flags->after.empty()) return {};
    return base::invalid("two files are needed: handmill bench compare BEFORE.json AFTER.json");
  });
  args.note(
      "Of each test the speed is compared, or TTFT and TG. A ratio is after / before, of medians,\n"
      "with the interval in which it lies in 95 of 100 redraws of the repeats. p is how often\n"
      "chance would part the repeats so (Wilcoxon's rank sums). A figure is worse where it lost\n"
      "more than the threshold and p is below its bound.");
  args.note("Exit codes: 0 nothing is worse, 1 something is, 2 they cannot be compared.");
  args.note(
      "Example:\n"
      "  handmill bench --json > before.json\n"
      "  handmill bench --json > after.json\n"
      "  handmill bench compare before.json after.json");
  return [flags] { return compare(*flags); };
}

}  // namespace handmill::cli
