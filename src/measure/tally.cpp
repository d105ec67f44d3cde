#include "measure/tally.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "measure/statistics.h"

namespace handmill::measure {
namespace {

struct Errors {
  std::vector<double> told, sizes, formula;
  int covered = 0, left_out = 0;
};

void add(Errors& errors, const Entry& entry) {
  const Forecast& f = entry.forecast;
  const double seconds = entry.outcome.seconds;
  if (!entry.outcome.left_out.empty()) {
    ++errors.left_out;
    return;
  }
  errors.told.push_back(seconds / f.told_s - 1);
  errors.sizes.push_back(std::abs(errors.told.back()));
  errors.formula.push_back(std::abs(seconds / f.seconds - 1));
  errors.covered += f.low_s <= seconds && seconds <= f.high_s ? 1 : 0;
}

}  // namespace

std::vector<Tally> tallies(std::span<const Entry> entries) {
  using Kind = std::tuple<std::string, std::string, std::string, std::string, Phase>;
  std::map<Kind, Errors> kinds;
  for (const Entry& entry : entries) {
    const Forecast& f = entry.forecast;
    add(kinds[{f.machine, f.engine, f.model.name, f.kv, f.phase}], entry);
  }
  std::vector<Tally> out;
  for (const auto& [kind, errors] : kinds) {
    Tally tally;
    std::tie(tally.machine, tally.engine, tally.model, tally.kv, tally.phase) = kind;
    tally.runs = static_cast<int>(errors.told.size());
    tally.left_out = errors.left_out;
    if (tally.runs > 0) {
      tally.bias = median_of(errors.told);
      tally.error = median_of(errors.sizes);
      tally.worst = *std::max_element(errors.sizes.begin(), errors.sizes.end());
      tally.formula_error = median_of(errors.formula);
      tally.covered = static_cast<double>(errors.covered) / tally.runs;
    }
    out.push_back(std::move(tally));
  }
  return out;
}

}  // namespace handmill::measure
