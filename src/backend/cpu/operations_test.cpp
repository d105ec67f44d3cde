// The other operations of the backend: against plain double arithmetic, and the same bits for every
// number of rows and threads and on every instruction set.
#include <cmath>
#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/test_attention.h"
#include "backend/test_layer.h"

namespace handmill::backend {
namespace {

using test::kTokens;
using test::layer;
using test::nmse;
using test::reference_layer;

TEST(Operations, AgreeWithDoubleArithmetic) {
  CpuBackend backend(scalar_kernels(), 1);
  for (const auto activation : {Activation::kSilu, Activation::kGeluTanh}) {
    // Floats lose float32's rounding only; int8 activations about 2^-8 of their group's largest.
    for (const auto type : {tensor::Type::kF32, tensor::Type::kF16, tensor::Type::kBF16})
      EXPECT_LT(nmse(layer(backend, kTokens, type, activation), reference_layer(type, activation)),
                1e-11);
    for (const auto type : {tensor::Type::kQ8_0, tensor::Type::kQ4_1, tensor::Type::kQ5_0})
      EXPECT_LT(nmse(layer(backend, kTokens, type, activation), reference_layer(type, activation)),
                2e-4);
  }
}

TEST(Operations, FineInputsLeaveTheWeightsAlone) {
  CpuBackend backend(scalar_kernels(), 1);
  for (const auto type : {tensor::Type::kQ8_0, tensor::Type::kQ4_1, tensor::Type::kQ5_0})
    EXPECT_LT(nmse(layer(backend, kTokens, type, Activation::kSilu, true),
                   reference_layer(type, Activation::kSilu)),
              1e-8);
}

TEST(Operations, AreTheSameBitsForEveryBatchThreadCountAndInstructionSet) {
  for (const auto type : {tensor::Type::kQ4_1, tensor::Type::kQ8_0, tensor::Type::kF16}) {
    const bool fine = type == tensor::Type::kQ8_0;
    CpuBackend scalar(scalar_kernels(), 1);
    const auto expected = layer(scalar, kTokens, type, Activation::kSilu, fine);
    for (const Kernels* kernels : runnable_kernels())
      for (const int threads : {1, 2, 5})
        for (const size_t n : {size_t{1}, size_t{2}, size_t{7}, size_t{16}, kTokens}) {
          CpuBackend backend(*kernels, threads);
          const auto got = layer(backend, n, type, Activation::kSilu, fine);
          ASSERT_EQ(0, std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)))
              << kernels->name << ", " << threads << " threads, " << n << " rows";
        }
  }
}

TEST(Operations, EmbedAndSelectedRows) {
  CpuBackend backend(*runnable_kernels().back(), 2);
  const tensor::Format& format = *tensor::find_format(tensor::Type::kQ8_0);
  const auto data = test::random_rows(format, 10, 64, 1);
  auto x = std::move(*backend.array(3, 64));
  const int32_t tokens[] = {9, 0, 4};
  backend.embed({&format, data, 10, 64}, tokens, 3.0f, *x);
  std::vector<float> row(64), expected(64);
  for (size_t i = 0; i < 3; ++i) {
    backend.read(*x, i, row);
    tensor::dequantize_row(format, data.data() + static_cast<size_t>(tokens[i]) * 68, 64,
                           expected.data());
    for (size_t c = 0; c < 64; ++c) EXPECT_EQ(row[c], 3.0f * expected[c]);
  }
  auto ones = std::move(*backend.array(1, 64));
  backend.write(*ones, 0, std::vector<float>(64, 1.0f));
  auto all = std::move(*backend.activations(3, 64, {.floats = true})),
       some = std::move(*backend.activations(2, 64, {.floats = true}));
  backend.norm(*x, *ones, 0, {}, 3, *all);
  const int32_t rows[] = {2, 0};
  backend.norm(*x, *ones, 0, rows, 2, *some);
  const float *a = static_cast<CpuActivations&>(*all).floats,
              *s = static_cast<CpuActivations&>(*some).floats;
  EXPECT_EQ(0, std::memcmp(s, a + 128, 256));
  EXPECT_EQ(0, std::memcmp(s + 64, a, 256));
}

TEST(Backend, RefusesWhatDoesNotFit) {
  auto backend = std::move(*make_cpu_backend(1));
  const tensor::Format& format = *tensor::find_format(tensor::Type::kQ4_0);
  std::vector<uint8_t> data(18 * 4);
  EXPECT_TRUE(backend->pack(format, data, 4, 32, {}, {}).ok());
  EXPECT_FALSE(backend->pack(format, data, 5, 32, {}, {}).ok());  // more rows than bytes
  EXPECT_FALSE(backend->pack(format, data, 4, 33, {}, {}).ok());  // half a block
  EXPECT_FALSE(backend->pack(format, data, 0, 32, {}, {}).ok());
  EXPECT_FALSE(backend->kv_store({1, 1, 40, KvType::kQ8_0}, 1).ok());
  EXPECT_FALSE(backend->kv_store({1, 1, 40, KvType::kF16}, 1).ok());
  EXPECT_FALSE(make_cpu_backend(0).ok());
}

}  // namespace
}  // namespace handmill::backend
