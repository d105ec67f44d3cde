// The other operations of the backend: against plain double arithmetic, and the same bits for every
// number of rows and threads and on every instruction set.
#include <cmath>
#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/test_data.h"

namespace handmill::backend {
namespace {

constexpr size_t kCols = 160, kRows = 83, kTokens = 37;

/// One pass of norm, linear with bias, gate and residual over `n` tokens at a time; returns the
/// residual stream.
std::vector<float> layer(const Kernels& kernels, int threads, size_t n, tensor::Type type,
                         Activation activation, bool fine = false) {
  CpuBackend backend(kernels, threads);
  const tensor::Format& format = *tensor::find_format(type);
  const bool is_float = format.group_cols == 0;
  const size_t ffn = 96;
  auto pack = [&](size_t rows, size_t cols, uint32_t seed) {
    const auto data = test::random_rows(format, rows, cols, seed);
    return std::move(*backend.pack(format, data, rows, cols, {}, {}));
  };
  auto gate = pack(ffn, kCols, 1), up = pack(ffn, kCols, 2), down = pack(kCols, ffn, 3),
       side = pack(kRows, kCols, 4);
  const auto weight = test::random_floats(kCols, 5), bias_values = test::random_floats(kRows, 6);
  const auto values = test::random_floats(kTokens * kCols, 7);
  auto norm = std::move(*backend.array(1, kCols)), bias = std::move(*backend.array(1, kRows));
  backend.write(*norm, 0, weight);
  backend.write(*bias, 0, bias_values);
  std::vector<float> result;
  for (size_t from = 0; from < kTokens; from += n) {
    const size_t count = std::min(n, kTokens - from);
    const int rows = static_cast<int>(count);
    auto x = std::move(*backend.array(count, kCols)), y = std::move(*backend.array(count, kRows));
    auto normed = std::move(
        *backend.activations(count, kCols, {.codes = !is_float, .fine = fine, .floats = is_float}));
    auto hidden = std::move(
        *backend.activations(count, ffn, {.codes = !is_float, .fine = fine, .floats = is_float}));
    for (size_t i = 0; i < count; ++i)
      backend.write(*x, i, {values.data() + (from + i) * kCols, kCols});
    backend.norm(*x, *norm, 1e-5f, {}, rows, *normed);
    const Linear products[] = {{side.get(), bias.get(), y.get()}};
    backend.linear(*normed, rows, products);
    backend.gated(*normed, rows, *gate, *up, activation, *hidden);
    backend.linear_add(*hidden, rows, *down, nullptr, *x);
    backend.norm_add(*x, *norm, 1e-5f, rows, *x);
    std::vector<float> row(kCols + kRows);
    for (size_t i = 0; i < count; ++i) {
      backend.read(*x, i, {row.data(), kCols});
      backend.read(*y, i, {row.data() + kCols, kRows});
      result.insert(result.end(), row.begin(), row.end());
    }
  }
  return result;
}

std::vector<double> reference_layer(tensor::Type type, Activation activation) {
  const tensor::Format& format = *tensor::find_format(type);
  const size_t ffn = 96;
  auto weights = [&](size_t rows, size_t cols, uint32_t seed) {
    const auto data = test::random_rows(format, rows, cols, seed);
    std::vector<float> w(rows * cols);
    for (size_t r = 0; r < rows; ++r)
      tensor::dequantize_row(format, data.data() + r * (data.size() / rows), cols,
                             w.data() + r * cols);
    return w;
  };
  const auto gate = weights(ffn, kCols, 1), up = weights(ffn, kCols, 2),
             down = weights(kCols, ffn, 3), side = weights(kRows, kCols, 4);
  const auto norm = test::random_floats(kCols, 5), bias = test::random_floats(kRows, 6);
  const auto values = test::random_floats(kTokens * kCols, 7);
  auto normed = [&](const std::vector<double>& x) {
    double squares = 0;
    for (const double v : x) squares += v * v;
    std::vector<double> out(x.size());
    for (size_t i = 0; i < x.size(); ++i)
      out[i] = x[i] / std::sqrt(squares / double(x.size()) + 1e-5) * norm[i];
    return out;
  };
  auto times = [](const std::vector<float>& w, size_t rows, const std::vector<double>& x) {
    std::vector<double> y(rows);
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < x.size(); ++c) y[r] += w[r * x.size() + c] * x[c];
    return y;
  };
  std::vector<double> result;
  for (size_t t = 0; t < kTokens; ++t) {
    std::vector<double> x(values.begin() + long(t * kCols), values.begin() + long((t + 1) * kCols));
    const auto in = normed(x);
    auto y = times(side, kRows, in);
    for (size_t r = 0; r < kRows; ++r) y[r] += bias[r];
    auto g = times(gate, ffn, in);
    const auto u = times(up, ffn, in);
    for (size_t i = 0; i < ffn; ++i)
      g[i] =
          u[i] *
          (activation == Activation::kSilu
               ? g[i] / (1 + std::exp(-g[i]))
               : 0.5 * g[i] *
                     (1 + std::tanh(std::sqrt(2 / M_PI) * (g[i] + 0.044715 * g[i] * g[i] * g[i]))));
    const auto added = times(down, kCols, g);
    for (size_t c = 0; c < kCols; ++c) x[c] += added[c];
    const auto again = normed(x);
    for (size_t c = 0; c < kCols; ++c) x[c] += again[c];
    result.insert(result.end(), x.begin(), x.end());
    result.insert(result.end(), y.begin(), y.end());
  }
  return result;
}

double nmse(const std::vector<float>& got, const std::vector<double>& expected) {
  double error = 0, power = 0;
  for (size_t i = 0; i < got.size(); ++i)
    error += std::pow(got[i] - expected[i], 2), power += std::pow(expected[i], 2);
  return error / power;
}

TEST(Operations, AgreeWithDoubleArithmetic) {
  for (const auto activation : {Activation::kSilu, Activation::kGeluTanh}) {
    // Floats lose float32's rounding only; int8 activations about 2^-8 of their group's largest.
    for (const auto type : {tensor::Type::kF32, tensor::Type::kF16, tensor::Type::kBF16})
      EXPECT_LT(nmse(layer(scalar_kernels(), 1, kTokens, type, activation),
                     reference_layer(type, activation)),
                1e-11);
    for (const auto type : {tensor::Type::kQ8_0, tensor::Type::kQ4_1, tensor::Type::kQ5_0})
      EXPECT_LT(nmse(layer(scalar_kernels(), 1, kTokens, type, activation),
                     reference_layer(type, activation)),
                2e-4);
  }
}

TEST(Operations, FineInputsLeaveTheWeightsAlone) {
  for (const auto type : {tensor::Type::kQ8_0, tensor::Type::kQ4_1, tensor::Type::kQ5_0})
    EXPECT_LT(nmse(layer(scalar_kernels(), 1, kTokens, type, Activation::kSilu, true),
                   reference_layer(type, Activation::kSilu)),
              1e-8);
}

TEST(Operations, AreTheSameBitsForEveryBatchThreadCountAndInstructionSet) {
  for (const auto type : {tensor::Type::kQ4_1, tensor::Type::kQ8_0, tensor::Type::kF16}) {
    const bool fine = type == tensor::Type::kQ8_0;
    const auto expected = layer(scalar_kernels(), 1, kTokens, type, Activation::kSilu, fine);
    for (const Kernels* kernels : runnable_kernels())
      for (const int threads : {1, 2, 5})
        for (const size_t n : {size_t{1}, size_t{2}, size_t{7}, size_t{16}, kTokens}) {
          const auto got = layer(*kernels, threads, n, type, Activation::kSilu, fine);
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
