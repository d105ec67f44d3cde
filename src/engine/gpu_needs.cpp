#include "engine/gpu_needs.h"

#include <algorithm>
#include <spdlog/spdlog.h>

#include "backend/cpu/cpu.h"
#include "backend/vulkan/vulkan.h"
#include "engine/buffers.h"
#include "engine/vulkan_gpus.h"
#include "kv/cache.h"
#include "probe/machine.h"

namespace handmill::engine {
namespace {

using backend::KvType;

/// A draft model, its cache and its buffers.
Result<uint64_t> draft_bytes(const Options& options, const backend::Backend& backend, int context) {
  if (!options.draft || options.speculate == Speculate::kOff) return uint64_t{0};
  HANDMILL_TRY(const model::Config config, model::read_config(*options.draft));
  HANDMILL_TRY(const auto weights, model::packed_sizes(*options.draft, config, backend));
  const uint64_t block =
      backend::vulkan_kv_block_bytes({config.layers, config.kv_heads, config.head_dim, options.kv});
  return weights.total() + static_cast<uint64_t>(kv::blocks_for(context)) * block +
         device_buffer_bytes(config, options);
}

}  // namespace

Result<GpuNeeds> gpu_sizes(const model::Config& config, const Options& options, int context) {
  HANDMILL_TRY(const auto backend, backend::make_cpu_backend(1));
  GpuNeeds needs;
  needs.width = static_cast<size_t>(config.width);
  needs.ffn_width = static_cast<size_t>(config.ffn_width);
  needs.vocab = static_cast<size_t>(config.vocab);
  needs.context = context;
  const auto block_bytes = [&](KvType type) -> uint64_t {
    const backend::KvShape layer{1, config.kv_heads, config.head_dim, type};
    return std::max(backend->kv_block_bytes(layer), backend::vulkan_kv_block_bytes(layer));
  };
  needs.kv_block_bytes = block_bytes(options.kv);
  constexpr int kGroup = 32;  // of a cache of q8_0
  if (options.kv == KvType::kF16 && config.head_dim % kGroup == 0)
    needs.kv_block_bytes_smaller = block_bytes(KvType::kQ8_0);
  needs.buffer_bytes = device_buffer_bytes(config, options);
  return needs;
}

Result<GpuNeeds> gpu_needs(const gguf::File& file, const model::Config& config,
                           const Options& options, int context) {
  HANDMILL_TRY(const auto backend, backend::make_cpu_backend(1));
  HANDMILL_TRY(GpuNeeds needs, gpu_sizes(config, options, context));
  HANDMILL_TRY(needs.weights, model::packed_sizes(file, config, *backend));
  HANDMILL_TRY(needs.draft_bytes, draft_bytes(options, *backend, context));
  return needs;
}

GpuRoom gpu_room(const GpuDevice& device, const GpuOptions& options) {
  GpuRoom room;
  room.device = device.name;
  room.budget_bytes = device.budget_bytes;
  room.limit_bytes = options.memory_bytes;
  if (device.shares_memory) room.shared_free_bytes = probe::read_memory("").available_bytes;
  room.figures = options.figures ? options.figures(device) : device.figures;
  return room;
}

GpuWish gpu_wish(const GpuOptions& options) {
  return {.layers = options.layers, .use = options.device != kAutoGpu};
}

Result<std::optional<GpuDevice>> find_gpu(const GpuOptions& options) {
  if (options.device == kNoGpu) return std::optional<GpuDevice>();
  const FindGpu find =
      options.find ? options.find : vulkan_gpus({.cache_folder = options.cache_folder});
  auto found = find(options.device);
  if (found.ok() && !*found && options.layers > 0)
    spdlog::warn("there is no GPU for {} layers: the processor computes", options.layers);
  if (found.ok() || options.device != kAutoGpu) return found;
  spdlog::warn("no GPU is used: {}", found.error().message);
  return std::optional<GpuDevice>();
}

}  // namespace handmill::engine
