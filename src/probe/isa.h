// Which instruction-set level the kernels run at: the best that CPU and operating system have, or
// the one that HANDMILL_CPU names. A level is here only if every instruction of it will run.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::probe {

/// In the order of preference, the best last. A later level does not imply an earlier one: CPUs
/// with kAvx512Vnni often lack kAvxVnni.
enum class Isa {
  kScalar,
  kAvx2,        // AVX2, FMA, F16C
  kAvxVnni,     // kAvx2 and AVX-VNNI
  kAvx512,      // kAvx2 and AVX-512 F, BW, DQ, VL
  kAvx512Vnni,  // kAvx512 and AVX-512 VNNI
};

/// "scalar", "avx2", "avxvnni", "avx512", "avx512vnni": the words of HANDMILL_CPU.
std::string_view isa_name(Isa isa);

/// What the levels are decided from, as cpuid and xgetbv give it.
struct CpuFeatures {
  uint32_t leaf1_ecx = 0;
  uint32_t leaf7_ebx = 0;
  uint32_t leaf7_ecx = 0;
  uint32_t leaf7_1_eax = 0;
  uint64_t xcr0 = 0;  // register state that the operating system keeps; 0 without OSXSAVE
};
/// Of this machine; all zero where it is not x86-64.
CpuFeatures read_cpu_features();

/// Ascending; never empty, for kScalar is always there.
std::vector<Isa> available_isas(const CpuFeatures& features);

/// The level named `forced`, or the best one where that is empty. An unknown name is kInvalid, a
/// level that is not available kUnsupported; both name those that are.
Result<Isa> choose_isa(std::string_view forced, std::span<const Isa> available);

/// choose_isa for this machine, with HANDMILL_CPU as it stands in the environment.
Result<Isa> chosen_isa();

}  // namespace handmill::probe
