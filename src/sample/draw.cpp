// The draw: a whole number below the total weight picks the candidate whose share it falls into.
#include <cassert>

#include "sample/steps.h"

namespace handmill::sample {

size_t draw(const Candidates& candidates, Random& random) {
  assert(candidates.weighed());
  uint64_t left = random.below(candidates.total_weight());
  const auto weights = candidates.weights();
  size_t i = 0;
  while (left >= weights[i]) left -= weights[i++];
  return i;
}

}  // namespace handmill::sample
