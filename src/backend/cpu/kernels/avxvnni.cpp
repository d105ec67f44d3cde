// The kernels for AVX2 with AVX-VNNI (Alder Lake and later).
#include <immintrin.h>

#include "backend/cpu/kernels/common.h"
#define HANDMILL_AVXVNNI
HANDMILL_TARGET_BEGIN("avx2,fma,f16c,avxvnni")
namespace handmill::backend {
namespace {
constexpr probe::Isa kIsa = probe::Isa::kAvxVnni;
constexpr const char* kName = "avxvnni";
HANDMILL_INLINE void prefetch(const uint8_t* at) {
  _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0);
}
// clang-format off
#include "backend/cpu/kernels/vec_avx2.inl"
#include "backend/cpu/kernels/all.inl"
// clang-format on
}  // namespace

const Kernels& avxvnni_kernels() { return kTable; }

}  // namespace handmill::backend
HANDMILL_TARGET_END
