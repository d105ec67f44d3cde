#include "measure/correction.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "measure/statistics.h"

namespace handmill::measure {
namespace {

/// A level's own pairs count in full when they are many times this.
constexpr double kDraw = 4;
/// The half-width of 90 % of a normal distribution, in deviations.
constexpr double kNinety = 1.645;
/// How far a model's correction may lie from itself at another depth.
constexpr double kDrift = 0.05;
/// The variance of a median, in variances of a mean (π / 2, for a normal distribution).
constexpr double kMedian = 1.571;
/// Of a bar that rests on nothing measured, one quarter of the variance is taken for the runs' own
/// and the rest for what is the same in all runs of a model.
constexpr double kOwn = 0.25;

/// Where the next logarithm lies, how well that is known, and how runs spread about it.
struct Belief {
  double centre = 0;
  double doubt = 0;     // variance of the centre
  double variance = 0;  // of runs
};

/// From the distance that nine of ten do not exceed, so that long tails count as they are met.
double variance_about(const std::vector<double>& values, double centre) {
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - centre));
  std::sort(distances.begin(), distances.end());
  const auto n = static_cast<double>(distances.size());
  const auto place = static_cast<size_t>(std::min(std::ceil(0.9 * (n + 1)), n)) - 1;
  const double deviation = distances[place] / kNinety;
  return deviation * deviation;
}

Belief drawn(const Belief& above, const std::vector<double>& values) {
  if (values.empty()) return above;
  const auto n = static_cast<double>(values.size());
  const double weight = n / (n + kDraw), own = median_of(values);
  Belief belief;
  belief.centre = weight * own + (1 - weight) * above.centre;
  belief.variance = weight * variance_about(values, own) + (1 - weight) * above.variance;
  // Where these runs say that the level above is further off than it thinks, they are believed.
  const double doubt = std::max(above.doubt, std::pow(own - above.centre, 2));
  belief.doubt =
      std::pow(1 - weight, 2) * doubt + std::pow(weight, 2) * kMedian * belief.variance / n;
  return belief;
}

bool about(double one, double other) { return one <= 2 * other && other <= 2 * one; }

/// Within a factor of two, of the length where it makes the time of a token.
bool near(const Pair& pair, const Asked& asked) {
  constexpr double kShort = 512;
  return about(pair.depth + kShort, asked.depth + kShort) &&
         (pair.phase == Phase::kDecode || about(pair.tokens, asked.tokens));
}

}  // namespace

std::vector<Pair> pairs_of(std::span<const Entry> entries) {
  std::vector<Pair> pairs;
  for (const Entry& entry : entries) {
    const Forecast& f = entry.forecast;
    if (!entry.outcome.left_out.empty()) continue;
    pairs.push_back({f.model.digest, f.kv, f.phase, f.tokens, f.depth,
                     std::log(entry.outcome.seconds / f.seconds)});
  }
  return pairs;
}

Correction correction(std::span<const Pair> pairs, const Asked& asked, double bar) {
  std::vector<double> own, close;
  std::map<std::pair<std::string_view, std::string_view>, std::vector<double>> others;
  Correction out;
  for (const Pair& pair : pairs) {
    if (pair.phase != asked.phase) continue;
    if (pair.digest != asked.digest || pair.kv != asked.kv) {
      others[{pair.digest, pair.kv}].push_back(pair.log_ratio);
      ++out.others;
      continue;
    }
    own.push_back(pair.log_ratio);
    if (near(pair, asked)) close.push_back(pair.log_ratio);
  }
  out.runs = static_cast<int>(own.size());
  out.spread = std::log1p(bar);
  if (!out.known()) return out;

  const double whole = std::pow(out.spread / kNinety, 2);
  Belief belief{0, 0, kOwn * whole};
  double between = (1 - kOwn) * whole;  // of models
  std::vector<double> voices, residuals;
  for (const auto& [model, ratios] : others) {
    voices.push_back(median_of(ratios));
    for (const double ratio : ratios) residuals.push_back(ratio - voices.back());
  }
  const Belief models = drawn({0, between, between}, voices);
  belief = {models.centre, models.doubt, belief.variance};
  if (!voices.empty()) {
    belief.doubt += models.variance;
    const auto n = static_cast<double>(residuals.size());
    const double weight = n / (n + kDraw);
    belief.variance = weight * variance_about(residuals, 0) + (1 - weight) * belief.variance;
  }
  belief = drawn(belief, own);
  if (!own.empty() && close.size() < own.size()) {
    belief.doubt += kDrift * kDrift;
    belief = drawn(belief, close);
  }
  out.factor = std::exp(belief.centre);
  out.spread = kNinety * std::sqrt(belief.doubt + belief.variance);
  return out;
}

double Corrected::low() const {
  return correction.known() ? seconds() * std::exp(-correction.spread) : formula.low();
}
double Corrected::high() const {
  return correction.known() ? seconds() * std::exp(correction.spread) : formula.high();
}

Corrected corrected(const Prediction& prediction, std::span<const Pair> pairs, const Asked& asked) {
  return {prediction, correction(pairs, asked, prediction.bar())};
}

}  // namespace handmill::measure
