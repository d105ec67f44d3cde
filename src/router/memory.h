// The memory plan: what a model takes when it is loaded, computed from its file before anything is,
// and how that fits beside what other models hold.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "engine/engine.h"
#include "gguf/file.h"

namespace handmill::router {

struct Needs {
  uint64_t weights = 0;      // packed, about as many bytes as in the file; with the draft model's
  uint64_t buffers = 0;      // activations and logits of one step
  uint64_t block_bytes = 0;  // of one block of the key/value cache
  int wanted = 0;            // positions of it; 0: as memory allows
  int model_context = 0;
  /// What a GPU with memory of its own takes off it, where the model has that to itself.
  struct OnGpu {
    uint64_t bytes = 0;  // of the GPU's memory
    uint64_t weights = 0, block_bytes = 0;
    int context = 0;  // most positions for which so much of the model is there
  };
  std::optional<OnGpu> gpu = {};

  /// What is left for the processor's memory. REQUIRES: gpu.
  Needs beside_gpu() const;
  /// Bytes with a cache of so many positions.
  uint64_t with_context(int positions) const;
  /// Positions below which the model is not loaded.
  int least_context() const;
  uint64_t least() const { return with_context(least_context()); }
  /// Positions where so much memory is free, of which a half is for whoever comes next. REQUIRES:
  /// least() ≤ room.
  int context(uint64_t room) const;
};
/// `gpu` as find_gpu() finds it for these options.
Result<Needs> needs(const gguf::File& file, const engine::Options& options,
                    const std::optional<engine::GpuDevice>& gpu = {});

/// How much memory models may hold together.
class Budget {
 public:
  /// `limit` 0: what the machine has, less a reserve for everything else on it.
  explicit Budget(uint64_t limit);
  /// For one model more, where others hold `held` bytes by their plans.
  uint64_t room(uint64_t held) const;
  /// For one model, were those others let go.
  uint64_t room_alone(uint64_t held) const;

 private:
  uint64_t available() const;

  uint64_t limit_ = UINT64_MAX;
  bool measured_ = false;  // the limit is the machine's: what is free now counts too
};

}  // namespace handmill::router
