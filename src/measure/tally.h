// How past predictions came out, by machine, model and phase.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "measure/ledger.h"

namespace handmill::measure {

/// Of one kind of run. Errors are shares of what was told: measured / told − 1.
struct Tally {
  std::string machine, engine, model, kv;
  Phase phase = Phase::kDecode;
  int runs = 0;              // that are compared
  int left_out = 0;          // of others: why is in the ledger
  double bias = 0;           // median of the errors: above 0 where runs take longer than told
  double error = 0;          // median of their sizes
  double worst = 0;          // the largest size
  double formula_error = 0;  // median size, had nothing been corrected
  double covered = 0;        // share of the runs that lay in the bar that was told
};

/// In the order of machine, model, kv type and phase.
std::vector<Tally> tallies(std::span<const Entry> entries);

}  // namespace handmill::measure
