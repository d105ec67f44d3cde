// What an engine is told of graphics processors: whether to use one and how much of it, which there
// are, and the figures that a plan divides by. Serves the engine's options.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "base/result.h"

namespace handmill::engine {

/// Of products, and of what lies between the two sides; 0 is unknown. Seconds, bytes a second,
/// operations a second, of which a multiply-add is two.
struct GpuFigures {
  double cpu_bytes_s = 0, device_bytes_s = 0;  // of packed weights, for one row
  double cpu_ops_s = 0, device_ops_s = 0;      // for many
  double submit_s = 0;          // to begin work on the device and to wait for its end
  double transfer_bytes_s = 0;  // from one side to the other, the slower way
};

/// A device that is there, before anything is made on it.
struct GpuDevice {
  std::string name, driver;
  uint64_t heap_bytes = 0;
  uint64_t budget_bytes = 0;   // that this process may still take of it
  bool shares_memory = false;  // the processor's memory is the device's
  GpuFigures figures = {};
  /// Of at most so many bytes, with so many threads to pack weights. Running out of the device's
  /// memory is kLimit, here and in whatever the backend makes.
  std::function<Result<std::unique_ptr<backend::Backend>>(uint64_t memory_bytes, int threads)>
      make = {};
};

/// The device of that name or index; of "auto" the one that is worth using, or nothing. A name that
/// no device has is an error that names those that there are.
using FindGpu = std::function<Result<std::optional<GpuDevice>>(const std::string& name)>;

inline constexpr const char* kNoGpu = "none";
inline constexpr const char* kAutoGpu = "auto";

struct GpuOptions {
  std::string device = kNoGpu;  // or kAutoGpu, or a device's name or index
  int layers = -1;  // of the model's on the device: the last ones; more than it has: the head too;
                    // −1: as many as are predicted to be best
  uint64_t memory_bytes = 0;  // most of the device's memory that is taken; 0: what it has to give
  std::string cache_folder = {};  // of compiled shaders; empty: none is kept
  FindGpu find = {};              // none: those of Vulkan
  /// Knows better than the device what it can do.
  std::function<GpuFigures(const GpuDevice&)> figures = {};
};

}  // namespace handmill::engine
