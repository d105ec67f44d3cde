// Levels from feature bits: every missing bit and every missing register state takes its level
// away; and the choice that HANDMILL_CPU makes among them.
#include "probe/isa.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <string>
#include <tuple>

namespace handmill::probe {
namespace {

using Isas = std::vector<Isa>;
using enum Isa;

// Ice Lake server with AVX-VNNI on top: everything that a level asks for, and nothing else.
CpuFeatures all() {
  return {.leaf1_ecx = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29,
          .leaf7_ebx = 1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31,
          .leaf7_ecx = 1u << 11,
          .leaf7_1_eax = 1u << 4,
          .xcr0 = 0xe7};
}

TEST(Isa, AllFeaturesGiveAllLevels) {
  EXPECT_EQ(available_isas(all()), (Isas{kScalar, kAvx2, kAvxVnni, kAvx512, kAvx512Vnni}));
  EXPECT_EQ(available_isas({}), Isas{kScalar});
}

TEST(Isa, EveryMissingBitTakesItsLevelsAway) {
  for (uint32_t bit : {12u, 27u, 28u, 29u}) {
    CpuFeatures f = all();
    f.leaf1_ecx &= ~(1u << bit);
    EXPECT_EQ(available_isas(f), Isas{kScalar}) << "leaf 1 ecx bit " << bit;
  }
  for (uint32_t bit : {16u, 17u, 30u, 31u}) {
    CpuFeatures f = all();
    f.leaf7_ebx &= ~(1u << bit);
    EXPECT_EQ(available_isas(f), (Isas{kScalar, kAvx2, kAvxVnni})) << "leaf 7 ebx bit " << bit;
  }
  CpuFeatures no_avx2 = all();
  no_avx2.leaf7_ebx &= ~(1u << 5);
  EXPECT_EQ(available_isas(no_avx2), Isas{kScalar});
  CpuFeatures no_avx_vnni = all();
  no_avx_vnni.leaf7_1_eax = ~(1u << 4);
  EXPECT_EQ(available_isas(no_avx_vnni), (Isas{kScalar, kAvx2, kAvx512, kAvx512Vnni}));
  CpuFeatures no_vnni = all();
  no_vnni.leaf7_ecx = ~(1u << 11);
  EXPECT_EQ(available_isas(no_vnni), (Isas{kScalar, kAvx2, kAvxVnni, kAvx512}));
}

TEST(Isa, TheOperatingSystemMustSaveTheRegisters) {
  for (uint64_t xcr0 : {0x0ull, 0x1ull, 0x3ull, 0x5ull}) {
    CpuFeatures f = all();
    f.xcr0 = xcr0;
    EXPECT_EQ(available_isas(f), Isas{kScalar}) << xcr0;
  }
  for (uint64_t missing : {0x20ull, 0x40ull, 0x80ull}) {
    CpuFeatures f = all();
    f.xcr0 &= ~missing;
    EXPECT_EQ(available_isas(f), (Isas{kScalar, kAvx2, kAvxVnni})) << missing;
  }
}

TEST(Isa, ForcedLevelsAreTakenOrRefusedByName) {
  const Isas some = {kScalar, kAvx2, kAvx512};
  EXPECT_EQ(*choose_isa("", some), kAvx512);
  EXPECT_EQ(*choose_isa("scalar", some), kScalar);
  EXPECT_EQ(*choose_isa("avx2", some), kAvx2);
  EXPECT_EQ(*choose_isa("avx512", some), kAvx512);
  for (auto [text, code] :
       {std::tuple{"avxvnni", Code::kUnsupported}, std::tuple{"avx512vnni", Code::kUnsupported},
        std::tuple{"AVX2", Code::kInvalid}, std::tuple{"avx2 ", Code::kInvalid},
        std::tuple{"neon", Code::kInvalid}}) {
    auto isa = choose_isa(text, some);
    ASSERT_FALSE(isa.ok()) << text;
    EXPECT_EQ(isa.error().code, code) << text;
    EXPECT_NE(isa.error().message.find(text), std::string::npos) << isa.error().message;
    EXPECT_NE(isa.error().message.find("scalar, avx2, avx512"), std::string::npos)
        << isa.error().message;
  }
}

TEST(Isa, EveryLevelIsChosenByItsOwnName) {
  const Isas every = available_isas(all());
  for (Isa isa : every) EXPECT_EQ(*choose_isa(isa_name(isa), every), isa) << isa_name(isa);
}

TEST(Isa, ThisMachineAgreesWithTheCompilersOwnDetection) {
  const Isas isas = available_isas(read_cpu_features());
  auto there = [&](Isa isa) { return std::find(isas.begin(), isas.end(), isa) != isas.end(); };
#if defined(__x86_64__)
  EXPECT_EQ(there(kAvx2), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  EXPECT_EQ(there(kAvx512),
            __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
  EXPECT_EQ(there(kAvx512Vnni), there(kAvx512) && __builtin_cpu_supports("avx512vnni"));
#endif
  EXPECT_TRUE(there(kScalar));
}

TEST(Isa, TheEnvironmentForcesALevel) {
  const char* before = std::getenv("HANDMILL_CPU");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("HANDMILL_CPU", "scalar", 1);
  EXPECT_EQ(*chosen_isa(), kScalar);
  ::setenv("HANDMILL_CPU", "fastest", 1);
  EXPECT_FALSE(chosen_isa().ok());
  ::unsetenv("HANDMILL_CPU");
  EXPECT_EQ(*chosen_isa(), available_isas(read_cpu_features()).back());
  if (before != nullptr) ::setenv("HANDMILL_CPU", kept.c_str(), 1);
}

}  // namespace
}  // namespace handmill::probe
