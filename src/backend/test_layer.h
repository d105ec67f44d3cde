// One pass through the operations on rows, by any backend and in plain double arithmetic, for the
// backends' tests.
#pragma once

#include <cmath>
#include <vector>

#include "backend/backend.h"
#include "backend/test_data.h"

namespace handmill::backend::test {

inline constexpr size_t kCols = 160, kRows = 83, kTokens = 37;

/// One pass of norm, linear with bias, gate and residual over `n` tokens at a time; returns the
/// residual stream.
inline std::vector<float> layer(Backend& backend, size_t n, tensor::Type type,
                                Activation activation, bool fine = false) {
  const tensor::Format& format = *tensor::find_format(type);
  const bool is_float = format.group_cols == 0;
  const size_t ffn = 96;
  auto pack = [&](size_t rows, size_t cols, uint32_t seed) {
    const auto data = random_rows(format, rows, cols, seed);
    return std::move(*backend.pack(format, data, rows, cols, {}, {}));
  };
  auto gate = pack(ffn, kCols, 1), up = pack(ffn, kCols, 2), down = pack(kCols, ffn, 3),
       side = pack(kRows, kCols, 4);
  const auto weight = random_floats(kCols, 5), bias_values = random_floats(kRows, 6);
  const auto values = random_floats(kTokens * kCols, 7);
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
    backend.write(*x, 0, {values.data() + from * kCols, count * kCols});
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

inline std::vector<double> reference_layer(tensor::Type type, Activation activation) {
  const tensor::Format& format = *tensor::find_format(type);
  const size_t ffn = 96;
  auto weights = [&](size_t rows, size_t cols, uint32_t seed) {
    const auto data = random_rows(format, rows, cols, seed);
    std::vector<float> w(rows * cols);
    for (size_t r = 0; r < rows; ++r)
      tensor::dequantize_row(format, data.data() + r * (data.size() / rows), cols,
                             w.data() + r * cols);
    return w;
  };
  const auto gate = weights(ffn, kCols, 1), up = weights(ffn, kCols, 2),
             down = weights(kCols, ffn, 3), side = weights(kRows, kCols, 4);
  const auto norm = random_floats(kCols, 5), bias = random_floats(kRows, 6);
  const auto values = random_floats(kTokens * kCols, 7);
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

}  // namespace handmill::backend::test
