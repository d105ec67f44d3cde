#include "engine/buffers.h"

#include <algorithm>

namespace handmill::engine {

uint64_t buffer_bytes(const model::Config& config, const Options& options) {
  constexpr int kOutputsMin = 16;
  const auto size = [](int n) { return static_cast<uint64_t>(n); };
  const uint64_t width = size(config.width), head = size(config.head_dim);
  const uint64_t q = size(config.heads) * head, kv = size(config.kv_heads) * head;
  const uint64_t row = 4 * width + 2 * q + 2 * kv + 2 * head + size(config.ffn_width);
  const uint64_t outputs = size(std::max(kOutputsMin, options.max_sequences)) + 1;
  return (size(options.prefill_chunk) * row + outputs * (width + size(config.vocab))) *
         sizeof(float);
}

uint64_t device_buffer_bytes(const model::Config& config, const Options& options) {
  const auto widest = static_cast<uint64_t>(
      std::max({config.ffn_width, config.width, config.heads * config.head_dim}));
  const auto rows = static_cast<uint64_t>(options.prefill_chunk);
  return buffer_bytes(config, options) + 2 * rows * widest * sizeof(float);
}

}  // namespace handmill::engine
