// The kernels for AVX2 with FMA and F16C (Haswell and later, Zen and later).
#include <immintrin.h>

#include "backend/cpu/kernels/common.h"

HANDMILL_TARGET_BEGIN("avx2,fma,f16c")
namespace handmill::backend {
namespace {
constexpr probe::Isa kIsa = probe::Isa::kAvx2;
constexpr const char* kName = "avx2";
HANDMILL_INLINE void prefetch(const uint8_t* at) {
  _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0);
}
// clang-format off
#include "backend/cpu/kernels/vec_avx2.inl"
#include "backend/cpu/kernels/all.inl"
// clang-format on
}  // namespace

const Kernels& avx2_kernels() { return kTable; }

}  // namespace handmill::backend
HANDMILL_TARGET_END
