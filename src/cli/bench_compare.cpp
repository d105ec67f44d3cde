// handmill bench compare: whether a second bench is worse than a first.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/mapped_file.h"
#include "cli/command.h"
#include "cli/figures.h"
#include "cli/terminal.h"
#include "measure/compare.h"
#include "measure/metrics.h"

namespace handmill::cli {
namespace {

constexpr int kExitNotComparable = 2;

struct CompareFlags {
  std::vector<std::string> files;
  measure::CompareOptions options;
  bool json = false;
};

Result<measure::BenchRecord> read_record(const std::string& path) {
  constexpr size_t kBytesMax = 256 << 20;
  HANDMILL_TRY(const base::MappedFile file, base::MappedFile::open(path));
  if (file.bytes().size() > kBytesMax)
    return base::limit("{}: {} bytes are more than any bench writes", path, file.bytes().size());
  auto record = measure::record_from_json(
      {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  if (!record.ok())
    return base::make_error(record.error().code, "{}: {}", path, record.error().message);
  return record;
}

std::string value_text(const measure::Compared& row, double value) {
  if (row.figure.find("of_") != std::string::npos) return fmt::format("{:.1f} %", 100 * value);
  return row.more_is_better ? three_digits(value) : three_digits(1e3 * value) + " ms";
}

std::string label_of(const std::string& figure) {
  for (const measure::Metric& one : measure::metrics())
    if (one.name == figure) return std::string(one.label);
  return figure.starts_with("pp") ? "PP of roof" : "TG of roof";
}

std::string version_text(const measure::Environment& environment) {
  return fmt::format("handmill {}, {}, {}", environment.version, environment.compiler,
                     environment.started);
}

std::string comparison_text(const measure::Comparison& comparison, const measure::BenchRecord& a,
                            const measure::BenchRecord& b) {
  std::string out = fmt::format("first:  {}\nsecond: {}\n", version_text(a.environment),
                                version_text(b.environment));
  for (const std::string& text : comparison.unlike) out += "unlike: " + text + "\n";
  out += fmt::format("{:<26}{:<16}{:>12}{:>12}{:>10}{:>16}{:>9}  {}\n", "test", "figure", "first",
                     "second", "ratio", "95 %", "p", "");
  for (const measure::Compared& row : comparison.rows)
    out += fmt::format("{:<26}{:<16}{:>12}{:>12}{:>10.3f}{:>16}{:>9.4f}  {}\n",
                       measure::title_of(row.test), label_of(row.figure), value_text(row, row.a),
                       value_text(row, row.b), row.ratio,
                       fmt::format("{:.3f} - {:.3f}", row.interval.low, row.interval.high), row.p,
                       measure::trend_name(row.trend));
  out += fmt::format("all together: the second is {:.1f} % {} (p {:.4f})\n",
                     100 * std::abs(comparison.gain - 1), comparison.gain < 1 ? "slower" : "faster",
                     comparison.p);
  for (const std::string& note : comparison.notes) out += "note: " + note + "\n";
  return out;
}

Result<int> compare_files(const CompareFlags& flags) {
  HANDMILL_TRY(const measure::BenchRecord a, read_record(flags.files[0]));
  HANDMILL_TRY(const measure::BenchRecord b, read_record(flags.files[1]));
  HANDMILL_TRY(const measure::Comparison comparison, measure::compare(a, b, flags.options));
  if (flags.json) {
    fmt::print("{}\n", boost::json::serialize(measure::to_json(comparison, flags.options)));
  } else {
    terminal::print(comparison_text(comparison, a, b));
  }
  return comparison.is_worse() ? kExitFailed : kExitOk;
}

/// 1 says that the second is worse; whatever could not be compared at all is another matter.
Result<int> bench_compare(const CompareFlags& flags) {
  const auto code = compare_files(flags);
  if (code.ok()) return code;
  fmt::print(stderr, "handmill: {}\n", terminal::printable(code.error().message));
  return kExitNotComparable;
}

Args::Setter part_of_1(double& value, double percent) {
  return [&value, percent](const std::vector<std::string>& words) -> Status {
    HANDMILL_TRY(const double number, parse_number(words.back()));
    if (number < 0 || number > percent)
      return base::invalid("{} is not between 0 and {}", words.back(), percent);
    value = number / percent;
    return {};
  };
}

}  // namespace

Action declare_bench_compare(Args& args) {
  auto flags = std::make_shared<CompareFlags>();
  args.positional("FIRST SECOND", flags->files, "Two records that handmill bench --json wrote");
  args.option("--threshold", "PERCENT", part_of_1(flags->options.threshold, 100),
              "A change of less is none [5]");
  args.option("--p", "P", part_of_1(flags->options.p_max, 1),
              "Nor is one that is likelier by chance [0.05]");
  args.flag("--of-roof", flags->options.of_roof,
            "Compare speeds as parts of the machine's roofs at their time: what a busy neighbour "
            "changes goes out of them");
  args.flag("--unlike", flags->options.unlike,
            "Compare benches of other models, threads or machines too");
  args.flag("--json", flags->json, "One JSON object");
  args.check([flags]() -> Status {
    if (flags->files.size() == 2) return {};
    return base::invalid("two files are needed; see handmill bench compare --help");
  });
  args.note(
      "ratio is the second's median over the first's, with the interval that holds 95 % of the\n"
      "ratios of redrawn runs. p is how likely runs lie so far apart by chance (permutation test "
      "of\n"
      "the sum of ranks); all together are judged by a permutation test of pairs. A test is worse\n"
      "if it changed by more than --threshold for the worse with p below --p.\n"
      "Runs of one process share its memory and the machine's mood: where it matters, take each\n"
      "side twice, in turn.");
  args.note("Exit codes: 0 nothing is worse, 1 something is, 2 they cannot be compared.");
  args.note(
      "Examples:\n"
      "  handmill bench --json > before.json\n"
      "  handmill bench compare before.json after.json --threshold 3");
  return [flags] { return bench_compare(*flags); };
}

}  // namespace handmill::cli
