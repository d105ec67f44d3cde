#include "cli/explain_ledger.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/error.h"
#include "cli/follow.h"
#include "cli/utf8.h"
#include "measure/tally.h"

namespace handmill::cli {
namespace {

namespace json = boost::json;
using measure::Tally;

constexpr int kWaitMs = 200;  // for a writer: a prediction must not wait long

Result<std::vector<measure::Entry>> read_past(const measure::Machine& machine,
                                              const std::string& path) {
  HANDMILL_TRY(const auto ledger,
               measure::Ledger::open(path, measure::Ledger::Access::kRead, kWaitMs));
  return ledger->entries(machine.name, machine.engine, measure::calibration(machine));
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

void add_row(const Tally& tally, std::string& out) {
  out += fmt::format("  {:<34}{:<6}{:<9}{:>6}{:>10}", tally.model, tally.kv,
                     measure::phase_name(tally.phase), tally.runs, tally.left_out);
  if (tally.runs > 0)
    out += fmt::format("{:>10}{:>9}{:>9}{:>13}{:>9}", fmt::format("{:+.1f} %", 100 * tally.bias),
                       percent(tally.error), percent(tally.worst), percent(tally.formula_error),
                       fmt::format("{:.0f} %", 100 * tally.covered));
  out += "\n";
}

std::string text_of(const std::vector<Tally>& tallies, const std::string& path) {
  std::string out = fmt::format("Runs held against what was told of them, in {}\n", path);
  std::string machine;
  for (const Tally& tally : tallies) {
    const std::string here = fmt::format("{} ({})", tally.machine, tally.engine);
    if (here != machine)
      out += fmt::format("\n{}\n  {:<34}{:<6}{:<9}{:>6}{:>10}{:>10}{:>9}{:>9}{:>13}{:>9}\n", here,
                         "model", "kv", "phase", "runs", "left out", "bias", "median", "worst",
                         "uncorrected", "in bar");
    machine = here;
    add_row(tally, out);
  }
  return out +
         "\nErrors are of the seconds: measured / told - 1; bias above 0 is slower than told.\n"
         "Left out are runs under other load, beside others, with guesses, or from a disk.\n";
}

json::object json_of(const Tally& tally) {
  const auto number = [&tally](double value) {
    return tally.runs > 0 ? json::value(value) : json::value(nullptr);
  };
  return {{"machine", valid_utf8(tally.machine)},
          {"engine", valid_utf8(tally.engine)},
          {"model", valid_utf8(tally.model)},
          {"kv", valid_utf8(tally.kv)},
          {"phase", measure::phase_name(tally.phase)},
          {"runs", tally.runs},
          {"left_out", tally.left_out},
          {"bias", number(tally.bias)},
          {"median_error", number(tally.error)},
          {"worst_error", number(tally.worst)},
          {"median_error_uncorrected", number(tally.formula_error)},
          {"in_bar", number(tally.covered)}};
}

}  // namespace

std::vector<measure::Pair> past_of(const measure::Machine& machine) {
  const std::string path = ledger_path();
  if (path.empty()) return {};
  const auto entries = read_past(machine, path);
  if (entries.ok()) return measure::pairs_of(*entries);
  if (entries.error().code != Code::kNotFound)
    spdlog::warn("predictions are not corrected: {}", entries.error().message);
  return {};
}

Result<LedgerAccount> ledger_account(const std::string& model) {
  const std::string path = ledger_path();
  if (path.empty())
    return base::not_found("there is no ledger: HANDMILL_LEDGER is off, or there is no home");
  auto ledger = measure::Ledger::open(path, measure::Ledger::Access::kRead);
  if (!ledger.ok() && ledger.error().code == Code::kNotFound)
    return base::not_found(
        "{}: no run has been held against a prediction yet: it takes the figures of "
        "`handmill probe`, and then any run, chat, bench or request",
        path);
  if (!ledger.ok()) return ledger.error();
  HANDMILL_TRY(auto entries, (*ledger)->entries());
  if (!model.empty())
    std::erase_if(entries, [&](const measure::Entry& e) { return e.forecast.model.name != model; });
  const std::vector<Tally> tallies = measure::tallies(entries);
  LedgerAccount account{path, text_of(tallies, path), {}};
  json::array kinds;
  for (const Tally& tally : tallies) kinds.push_back(json_of(tally));
  account.json = {{"ledger", valid_utf8(path)}, {"kinds", std::move(kinds)}};
  return account;
}

}  // namespace handmill::cli
