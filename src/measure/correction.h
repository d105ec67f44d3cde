// What the past of a machine says of the next prediction: a factor and an error bar, from pairs of
// prediction and run. Three levels, each drawn towards the one above it by how few its pairs are:
// the machine and phase (one voice for each model), the model, and runs of about this depth and
// length. Medians of logarithms, so that one odd run moves little.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "measure/ledger.h"
#include "measure/predict.h"

namespace handmill::measure {

/// A pair: of one machine, engine and calibration.
struct Pair {
  std::string digest;  // of the model
  std::string kv;
  Phase phase = Phase::kDecode;
  int tokens = 0, depth = 0;
  double log_ratio = 0;  // of measured seconds to the formula's
};
/// Runs that were left out correct nothing.
std::vector<Pair> pairs_of(std::span<const Entry> entries);

/// What is asked about.
struct Asked {
  std::string_view digest;
  std::string_view kv;
  Phase phase = Phase::kDecode;
  int tokens = 1, depth = 0;
};

struct Correction {
  double factor = 1;  // of the seconds
  double spread = 0;  // half of the bar, as a logarithm: 90 % of runs are to lie in it
  int runs = 0;       // of this model, kv type and phase
  int others = 0;     // of other models
  bool known() const { return runs + others > 0; }
};

/// `bar` is that of the prediction itself, where nothing is known yet: Prediction::bar().
Correction correction(std::span<const Pair> pairs, const Asked& asked, double bar);

/// A prediction as it is told.
struct Corrected {
  Prediction formula;
  Correction correction;
  double seconds() const { return formula.seconds * correction.factor; }
  double low() const;
  double high() const;
};
Corrected corrected(const Prediction& prediction, std::span<const Pair> pairs, const Asked& asked);

}  // namespace handmill::measure
