// Sizes in whole blocks, so that no rounding is left to the caches.
#include "engine/context.h"

#include <algorithm>

#include "backend/backend.h"
#include "base/error.h"
#include "kv/cache.h"

namespace handmill::engine {
namespace {

constexpr int kContextWhereMemoryIsUnknown = 4096;
constexpr double kMiB = 1 << 20;

}  // namespace

Status check_weights(const gguf::File& file, uint64_t total_bytes, uint64_t device_bytes) {
  uint64_t bytes = 0;  // of distinct parts of mapped files: the sum cannot wrap
  for (const gguf::Tensor& tensor : file.tensors()) bytes += tensor.bytes;
  bytes -= std::min(bytes, device_bytes);
  if (total_bytes == 0 || bytes <= total_bytes) return {};
  return base::limit("{}: its tensors take {:.0f} MiB{}; there are {:.0f} MiB of memory",
                     file.path(), static_cast<double>(bytes) / kMiB,
                     device_bytes > 0 ? " beside what the GPU holds" : "",
                     static_cast<double>(total_bytes) / kMiB);
}

Result<int> plan_context(int wanted, int model_context, uint64_t block_bytes, uint64_t free_bytes) {
  if (block_bytes == 0) return wanted > 0 ? wanted : model_context;
  if (wanted == 0) {
    if (free_bytes == 0) return std::min(model_context, kContextWhereMemoryIsUnknown);
    const uint64_t positions = free_bytes / 2 / block_bytes * backend::kKvBlock;
    if (positions == 0)
      return base::limit(
          "no room for a key/value cache: one block takes {:.1f} MiB, {:.1f} MiB are free",
          static_cast<double>(block_bytes) / kMiB, static_cast<double>(free_bytes) / kMiB);
    return static_cast<int>(std::min<uint64_t>(positions, static_cast<uint64_t>(model_context)));
  }
  const uint64_t bytes = static_cast<uint64_t>(kv::blocks_for(wanted)) * block_bytes;
  if (free_bytes > 0 && bytes > free_bytes)
    return base::limit("a context of {} takes {:.0f} MiB of key/value cache; {:.0f} MiB are free",
                       wanted, static_cast<double>(bytes) / kMiB,
                       static_cast<double>(free_bytes) / kMiB);
  return wanted;
}

}  // namespace handmill::engine
