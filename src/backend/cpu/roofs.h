// The two roofs of decode and prefill, measured: how many bytes a second the threads read from
// memory, and how many int8 operations a second they do in registers (Williams, Waterman, Patterson
// 2009). Machines are shared and their clocks move, so a roof is worth something only beside a
// measurement of the same moment: a meter is made once and asked before and after what it is held
// against.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/kernels/kernels.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/threads.h"

namespace handmill::backend {

inline constexpr size_t kRoofBytes = size_t{256} << 20;
inline constexpr size_t kRoofBytesMax = size_t{1} << 30;

class RoofMeter {
 public:
  /// Takes and touches `bytes` of memory, which should be several times the last cache. `kernels`
  /// and `threads` must outlive it.
  static Result<RoofMeter> make(const Kernels& kernels, Threads& threads,
                                size_t bytes = kRoofBytes);
  /// Over the memory of `other`, with threads of its own.
  RoofMeter(const RoofMeter& other, Threads& threads);

  /// Bytes per second of one reading of the whole memory, every thread its own contiguous part.
  double read_bandwidth();
  /// Operations (a multiplication is one, an addition another) per second of all threads, over
  /// some tenths of a millisecond.
  double int8_rate();
  /// The same of float32 in fused multiply-adds.
  double f32_rate();
  /// The best of a few of each: a roof is what nothing exceeds, and an interruption only lowers it.
  Roofs best();

 private:
  using Steps = uint64_t (*)(const uint8_t* data, size_t steps);
  void wake();
  double rate(Steps work, double operations, size_t steps);
  RoofMeter(const Kernels& kernels, Threads& threads) : kernels_(&kernels), threads_(&threads) {}

  const Kernels* kernels_;
  Threads* threads_;
  std::shared_ptr<const Memory> memory_;
};

}  // namespace handmill::backend
