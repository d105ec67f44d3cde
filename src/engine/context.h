// How many positions the key/value cache gets: what the caller wants, what the model can use, what
// memory holds.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace handmill::engine {

/// `wanted` 0: the model's own context, or what fits into half of the free memory, whichever is
/// smaller. `free_bytes` 0: unknown. More than fits is kLimit, naming both sizes.
Result<int> plan_context(int wanted, int model_context, uint64_t block_bytes, uint64_t free_bytes);

}  // namespace handmill::engine
