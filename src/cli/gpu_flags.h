// The flags that say whether and how far a graphics processor computes. Serves every command with
// an engine, and `explain`.
#pragma once

#include <cstdint>
#include <string>

#include "cli/args.h"
#include "engine/gpu.h"

namespace handmill::cli {

struct GpuFlags {
  std::string device = engine::kAutoGpu;
  int layers = -1;
  uint64_t memory_bytes = 0;
};
/// --gpu, --gpu-layers and --gpu-memory.
void declare_gpu(Args& args, GpuFlags& flags);
/// With what probe kept of both sides, for so many threads (0: as handmill chooses).
engine::GpuOptions gpu_options(const GpuFlags& flags, int threads);

/// For help pages.
extern const char* const kGpuNote;

}  // namespace handmill::cli
