// The kernels in plain C++, for every machine: the specification that the others are held against.
#include "backend/cpu/kernels/common.h"

namespace handmill::backend {
namespace {
constexpr probe::Isa kIsa = probe::Isa::kScalar;
constexpr const char* kName = "scalar";
inline void prefetch(const uint8_t*) {}
// clang-format off
#include "backend/cpu/kernels/vec_scalar.inl"
#include "backend/cpu/kernels/all.inl"
// clang-format on
}  // namespace

const Kernels& scalar_kernels() { return kTable; }

size_t kv_head_bytes(KvType type, int head_dim) {
  const auto dim = static_cast<size_t>(head_dim);
  const size_t centre = type == KvType::kQ8_0 ? dim * sizeof(float) : 0;
  return key_bytes(type, dim) + value_bytes(type, dim) + centre;
}

float* kv_centre(uint8_t* block, int head_dim) {
  const auto dim = static_cast<size_t>(head_dim);
  return reinterpret_cast<float*>(block + key_bytes(KvType::kQ8_0, dim) +
                                  value_bytes(KvType::kQ8_0, dim));
}

const Kernels& kernels_for(probe::Isa isa) {
  switch (isa) {
    case probe::Isa::kScalar: return scalar_kernels();
    case probe::Isa::kAvx2: return avx2_kernels();
    case probe::Isa::kAvxVnni: return avxvnni_kernels();
    case probe::Isa::kAvx512: return avx2_kernels();  // without VNNI, 512 bits win nothing here
    case probe::Isa::kAvx512Vnni: return avx512vnni_kernels();
  }
  return scalar_kernels();
}

std::vector<const Kernels*> runnable_kernels() {
  std::vector<const Kernels*> tables;
  for (const probe::Isa isa : probe::available_isas(probe::read_cpu_features()))
    if (const Kernels* one = &kernels_for(isa); std::ranges::find(tables, one) == tables.end())
      tables.push_back(one);
  return tables;
}

}  // namespace handmill::backend
