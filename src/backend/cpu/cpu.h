// The CPU backend: 16-row panels, kernels chosen once by instruction set, a pool of threads; and
// what the processor under it does at most, whatever a backend makes of that.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"

namespace handmill::backend {

/// `threads` ≥ 1. The instruction set is the machine's best, or what HANDMILL_CPU names.
Result<std::unique_ptr<Backend>> make_cpu_backend(int threads);

/// So much memory that no cache of this machine keeps a part of it that counts: 256 MiB to 1 GiB.
size_t roof_bytes();

/// Operations a second in registers, of all threads together; a multiply-add is two.
struct Peaks {
  std::string isa;  // "avx2"
  double int8_ops_s = 0;
  double f32_ops_s = 0;
};
/// Of every table of kernels that this machine runs, the best last, whatever HANDMILL_CPU says.
/// Some tens of milliseconds for each. Fails where the system does not give `threads` threads.
Result<std::vector<Peaks>> measure_peaks(int threads);

/// Bytes a second that teams of threads read from memory: one result for each of `counts` (each ≥
/// 1), the best of `rounds` readings. The memory is several times the last cache, taken for the
/// call; a lack of it or of threads is the only failure.
Result<std::vector<double>> measure_reads(std::span<const int> counts, int rounds);

}  // namespace handmill::backend
