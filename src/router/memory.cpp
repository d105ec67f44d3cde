#include "router/memory.h"

#include <algorithm>

#include "backend/cpu/cpu.h"
#include "engine/buffers.h"
#include "engine/gpu_needs.h"
#include "kv/cache.h"
#include "model/model.h"
#include "probe/machine.h"

namespace handmill::router {
namespace {

/// What a context of no stated length is at least worth loading for.
constexpr int kLeastContext = 4096;

uint64_t weight_bytes(const gguf::File& file) {
  uint64_t bytes = 0;
  for (const gguf::Tensor& tensor : file.tensors()) bytes += tensor.bytes;
  return bytes;
}

Result<uint64_t> block_bytes(const model::Config& config, backend::KvType type) {
  HANDMILL_TRY(const auto backend, backend::make_cpu_backend(1));
  return backend->kv_block_bytes({config.layers, config.kv_heads, config.head_dim, type});
}

/// Nothing, where none of it would be there.
Result<std::optional<Needs::OnGpu>> on_gpu(const gguf::File& file, const model::Config& config,
                                           const engine::Options& options,
                                           const engine::GpuDevice& device) {
  const engine::GpuRoom room = engine::gpu_room(device, options.gpu);
  HANDMILL_TRY(auto sizes, engine::gpu_needs(file, config, options, options.context));
  if (options.context == 0) {
    const int context = engine::gpu_context(sizes, room, config.context);
    HANDMILL_TRY(sizes, engine::gpu_needs(file, config, options, context));
  }
  const auto plan = engine::plan_gpu(sizes, room, engine::gpu_wish(options.gpu));
  // What does not fit as asked for is for the load to say.
  if (!plan.ok() || plan->chosen.layers == 0) return std::optional<Needs::OnGpu>();
  const uint64_t blocks = sizes.kv_block_bytes * sizes.weights.layers.size();
  return std::optional<Needs::OnGpu>({.bytes = plan->chosen.bytes.total(),
                                      .weights = plan->device_weights(),
                                      .block_bytes = blocks - plan->cpu_kv_block_bytes,
                                      .context = sizes.context});
}

}  // namespace

Needs Needs::beside_gpu() const {
  Needs rest = *this;
  rest.weights -= std::min(weights, gpu->weights);
  rest.block_bytes -= std::min(block_bytes, gpu->block_bytes);
  if (wanted == 0) rest.model_context = std::min(model_context, gpu->context);
  return rest;
}

uint64_t Needs::with_context(int positions) const {
  return weights + buffers + static_cast<uint64_t>(kv::blocks_for(positions)) * block_bytes;
}

int Needs::least_context() const {
  return wanted > 0 ? wanted : std::min(model_context, kLeastContext);
}

int Needs::context(uint64_t room) const {
  if (wanted > 0) return wanted;
  if (block_bytes == 0) return model_context;
  const uint64_t positions = (room - weights - buffers) / 2 / block_bytes * backend::kKvBlock;
  const auto most = static_cast<uint64_t>(model_context);
  return std::max(least_context(), static_cast<int>(std::min(positions, most)));
}

Result<Needs> needs(const gguf::File& file, const engine::Options& options,
                    const std::optional<engine::GpuDevice>& gpu) {
  HANDMILL_TRY(const model::Config config, model::read_config(file));
  Needs needs;
  needs.weights = weight_bytes(file);
  needs.buffers = engine::buffer_bytes(config, options);
  HANDMILL_TRY(needs.block_bytes, block_bytes(config, options.kv));
  needs.wanted = options.context;
  needs.model_context = config.context;
  if (options.draft && options.speculate != engine::Speculate::kOff) {
    HANDMILL_TRY(const model::Config draft, model::read_config(*options.draft));
    HANDMILL_TRY(const uint64_t draft_block, block_bytes(draft, options.kv));
    needs.weights += weight_bytes(*options.draft);
    needs.buffers += engine::buffer_bytes(draft, options);
    needs.block_bytes += draft_block;
  }
  if (gpu && !gpu->shares_memory) {
    HANDMILL_TRY(needs.gpu, on_gpu(file, config, options, *gpu));
  }
  return needs;
}

Budget::Budget(uint64_t limit) {
  if (limit > 0) {
    limit_ = limit;
    return;
  }
  const uint64_t total = probe::read_memory("").total_bytes;
  if (total == 0) return;
  constexpr uint64_t kReserveMin = 256ull << 20, kReserveMax = 2048ull << 20;
  const uint64_t reserve = std::min(std::clamp(total / 16, kReserveMin, kReserveMax), total / 2);
  limit_ = total - reserve;
  measured_ = true;
}

uint64_t Budget::available() const {
  const uint64_t bytes = measured_ ? probe::read_memory("").available_bytes : 0;
  return bytes > 0 ? bytes : limit_;  // unknown
}

uint64_t Budget::room(uint64_t held) const {
  return std::min(limit_ > held ? limit_ - held : 0, available());
}

uint64_t Budget::room_alone(uint64_t held) const {
  const uint64_t free = available();
  return limit_ - std::min(limit_, free) <= held ? limit_ : free + held;
}

}  // namespace handmill::router
