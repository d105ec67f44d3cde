// What memory holds: whether a model can be loaded at all, and how many positions the key/value
// cache gets, of what the caller wants and the model can use.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "gguf/file.h"

namespace handmill::engine {

/// kLimit, naming both sizes, where the tensors take more than the whole memory (`total_bytes`, 0:
/// unknown), less what `device_bytes` of them another memory takes: packing them would end in
/// swapping, or in the kernel killing the process. What is in use now may yet be given back, so it
/// does not count.
Status check_weights(const gguf::File& file, uint64_t total_bytes, uint64_t device_bytes = 0);

/// `wanted` 0: the model's own context, or what fits into half of the free memory, whichever is
/// smaller. `free_bytes` 0: unknown. `block_bytes` 0: none of it is in this memory. More than fits
/// is kLimit, naming both sizes.
Result<int> plan_context(int wanted, int model_context, uint64_t block_bytes, uint64_t free_bytes);

}  // namespace handmill::engine
