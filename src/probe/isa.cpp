// Instruction-set levels from cpuid (Intel SDM vol. 2A, CPUID; vol. 1 §13.3 for XCR0) and
// HANDMILL_CPU. Invariant: a level counts only if the operating system also saves its registers.
#include "probe/isa.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/error.h"
#include "base/quote.h"

namespace handmill::probe {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"scalar", "avx2", "avxvnni", "avx512",
                                                    "avx512vnni"};

// leaf 1, ecx
constexpr uint32_t kFma = 1u << 12, kOsxsave = 1u << 27, kAvx = 1u << 28, kF16c = 1u << 29;
// leaf 7, ebx
constexpr uint32_t kAvx2Bit = 1u << 5, kAvx512F = 1u << 16, kAvx512Dq = 1u << 17,
                   kAvx512Bw = 1u << 30, kAvx512Vl = 1u << 31;
constexpr uint32_t kAvx512VnniBit = 1u << 11;  // leaf 7, ecx
constexpr uint32_t kAvxVnniBit = 1u << 4;      // leaf 7.1, eax
// XCR0: SSE and AVX state; mask registers and both halves of zmm
constexpr uint64_t kYmmState = 0x06, kZmmState = 0xe6;

bool has(uint64_t word, uint64_t bits) { return (word & bits) == bits; }

std::string list(std::span<const Isa> isas) {
  std::string text;
  for (Isa isa : isas) {
    if (!text.empty()) text += ", ";
    text += isa_name(isa);
  }
  return text;
}

}  // namespace

std::string_view isa_name(Isa isa) { return kNames.at(static_cast<size_t>(isa)); }

CpuFeatures read_cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return features;
  features.leaf1_ecx = c;
  if ((c & kOsxsave) != 0) {
    uint32_t low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    features.xcr0 = (static_cast<uint64_t>(high) << 32) | low;
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return features;
  features.leaf7_ebx = b;
  features.leaf7_ecx = c;
  const uint32_t last_subleaf = a;
  if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) features.leaf7_1_eax = a;
#endif
  return features;
}

std::vector<Isa> available_isas(const CpuFeatures& f) {
  std::vector<Isa> isas = {Isa::kScalar};
  if (!has(f.leaf1_ecx, kFma | kOsxsave | kAvx | kF16c) || !has(f.leaf7_ebx, kAvx2Bit) ||
      !has(f.xcr0, kYmmState))
    return isas;
  isas.push_back(Isa::kAvx2);
  if (has(f.leaf7_1_eax, kAvxVnniBit)) isas.push_back(Isa::kAvxVnni);
  if (!has(f.leaf7_ebx, kAvx512F | kAvx512Dq | kAvx512Bw | kAvx512Vl) || !has(f.xcr0, kZmmState))
    return isas;
  isas.push_back(Isa::kAvx512);
  if (has(f.leaf7_ecx, kAvx512VnniBit)) isas.push_back(Isa::kAvx512Vnni);
  return isas;
}

Result<Isa> choose_isa(std::string_view forced, std::span<const Isa> available) {
  if (forced.empty()) return available.back();
  const auto known = std::ranges::find(kNames, forced);
  if (known == kNames.end())
    return base::invalid("HANDMILL_CPU: {} is no level; this machine has {}", base::quoted(forced),
                         list(available));
  const auto isa = static_cast<Isa>(known - kNames.begin());
  if (std::ranges::find(available, isa) == available.end())
    return base::unsupported("HANDMILL_CPU: this machine lacks {}; it has {}", forced,
                             list(available));
  return isa;
}

Result<Isa> chosen_isa() {
  const char* forced = std::getenv("HANDMILL_CPU");
  return choose_isa(forced == nullptr ? "" : forced, available_isas(read_cpu_features()));
}

}  // namespace handmill::probe
