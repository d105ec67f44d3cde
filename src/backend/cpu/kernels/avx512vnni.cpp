// The kernels for AVX-512 with VNNI (Cascade Lake and later, Zen 4 and later).
#include <immintrin.h>

#include "backend/cpu/kernels/common.h"

HANDMILL_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")
namespace handmill::backend {
namespace {
constexpr probe::Isa kIsa = probe::Isa::kAvx512Vnni;
constexpr const char* kName = "avx512vnni";
HANDMILL_INLINE void prefetch(const uint8_t* at) {
  _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0);
}
// clang-format off
#include "backend/cpu/kernels/vec_avx512.inl"
#include "backend/cpu/kernels/all.inl"
// clang-format on
}  // namespace

const Kernels& avx512vnni_kernels() { return kTable; }

}  // namespace handmill::backend
HANDMILL_TARGET_END
