// Where the time of a piece of a run went. How near it came to the machine's roof is measured; how
// the rest is parted is inferred from the rates that probe measured, and what they do not explain
// is told as such.
#pragma once

#include <string_view>

#include "base/result.h"
#include "measure/subject.h"

namespace handmill::measure {

enum class Limit { kMemory, kArithmetic };
std::string_view limit_name(Limit limit);  // "memory", "arithmetic"

/// Parts of the time; they add up to 1.
struct Shares {
  Limit limit = Limit::kMemory;  // the roof that the piece would meet first
  double roof = 0;       // measured: what the work takes at the roof. Above 1 where caches helped
  double kernels = 0;    // inferred: products with weights, beyond the roof
  double attention = 0;  // inferred: attention and its cache, beyond the roof
  double layers = 0;     // inferred: norms, and threads that wait for one another
  double other = 0;      // what is left: sampling, noise, and where the figures are wrong
};

/// Of a piece that took `seconds` > 0.
Result<Shares> shares_of(const Subject& subject, const Piece& piece, double seconds);

}  // namespace handmill::measure
