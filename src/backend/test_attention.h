// Attention through any backend, and the same in plain double arithmetic, for the backends' tests.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/test_data.h"

namespace handmill::backend::test {

struct Case {
  int heads, kv_heads, head_dim, window, positions;
  KvType type;
  bool neighbours, norms;
  bool biased = false;  // keys have much in common, which the cache is told
};

inline constexpr Case kCases[] = {
    {9, 3, 64, 0, 150, KvType::kF16, true, false},
    {9, 3, 64, 0, 150, KvType::kQ8_0, true, false},
    {4, 2, 128, 0, 590, KvType::kF16, false, true},
    {4, 2, 128, 0, 590, KvType::kQ8_0, false, true},
    {3, 1, 80, 0, 70, KvType::kF16, false, false},
    {2, 1, 96, 20, 700, KvType::kF16, false, true},
    {2, 2, 32, 530, 1100, KvType::kQ8_0, false, false},
    {7, 1, 64, 0, 200, KvType::kQ8_0, false, false, true},
    {70, 1, 16, 0, 67, KvType::kF16, false, false},
};

/// Queries, keys and values of one sequence, as the products before attention would give them.
struct Inputs {
  std::vector<float> q, k, v, q_norm, k_norm;
  std::vector<float> centres;  // [kKvBlock, kv_heads · head_dim]
  Rope rope;
  explicit Inputs(const Case& c) {
    const auto n = static_cast<size_t>(c.positions), dim = static_cast<size_t>(c.head_dim);
    q = random_floats(n * static_cast<size_t>(c.heads) * dim, 1);
    k = random_floats(n * static_cast<size_t>(c.kv_heads) * dim, 2);
    v = random_floats(n * static_cast<size_t>(c.kv_heads) * dim, 3);
    q_norm = random_floats(dim, 4);
    k_norm = random_floats(dim, 5);
    rope = {.neighbours = c.neighbours, .dims = c.head_dim, .frequency = {}};
    for (int i = 0; i < c.head_dim / 2; ++i)
      rope.frequency.push_back(std::pow(10000.0, -2.0 * i / c.head_dim));
    if (c.biased) add_bias(c);
  }

  void add_bias(const Case& c) {
    const auto dim = static_cast<size_t>(c.head_dim), half = dim / 2,
               width = static_cast<size_t>(c.kv_heads) * dim;
    std::vector<float> bias = random_floats(width, 6);
    for (size_t i = 0; i < width; ++i) bias[i] *= i % dim % half > half * 3 / 4 ? 100 : 1;
    for (size_t i = 0; i < k.size(); ++i) k[i] += bias[i % width];
    for (int place = 0; place < kKvBlock; ++place)
      for (size_t i = 0; i < width; ++i) {
        const bool first = i % dim < half;
        const double turn = rope.frequency[i % half] * (kKvBlock / 2 - place);
        const double other = bias[first ? i + half : i - half];
        centres.push_back(static_cast<float>(bias[i] * std::cos(turn) +
                                             (first ? -other : other) * std::sin(turn)));
      }
  }
};

inline std::unique_ptr<Array> make(Backend& backend, const std::vector<float>& values, size_t rows,
                                   size_t cols) {
  auto array = std::move(*backend.array(rows, cols));
  backend.write(*array, 0, values);
  return array;
}

/// The identity as weights: what attention gives are inputs of a product, and this one shows them.
inline std::unique_ptr<Matrix> identity(Backend& backend, size_t width) {
  std::vector<float> ones(width * width);
  for (size_t i = 0; i < width; ++i) ones[i * width + i] = 1;
  return std::move(
      *backend.pack(*tensor::find_format(tensor::Type::kF32),
                    {reinterpret_cast<const uint8_t*>(ones.data()), ones.size() * sizeof(float)},
                    width, width, {}, {}));
}

/// Runs the sequence in calls of `chunk` rows, with `copies` of it side by side in every batch, and
/// returns what the last copy got: [positions, heads · head_dim].
inline std::vector<float> run(const Case& c, const Inputs& in, Backend& backend, int chunk,
                              int copies) {
  const size_t dim = static_cast<size_t>(c.head_dim), width = static_cast<size_t>(c.heads) * dim,
               kv_width = static_cast<size_t>(c.kv_heads) * dim;
  const int blocks = (c.positions + kKvBlock - 1) / kKvBlock;
  auto store = std::move(*backend.kv_store({2, c.kv_heads, c.head_dim, c.type}, blocks * copies));
  auto q_norm = make(backend, in.q_norm, 1, dim), k_norm = make(backend, in.k_norm, 1, dim);
  const auto centres = c.biased ? make(backend, in.centres, kKvBlock, kv_width) : nullptr;
  Attention attention{.heads = c.heads,
                      .kv_heads = c.kv_heads,
                      .head_dim = c.head_dim,
                      .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
                      .window = c.window,
                      .neighbours = c.neighbours,
                      .rope_dims = c.head_dim,
                      .q_norm = c.norms ? q_norm.get() : nullptr,
                      .k_norm = c.norms ? k_norm.get() : nullptr,
                      .eps = 1e-6f,
                      .k_centre = centres.get()};
  std::vector<std::vector<int32_t>> tables(static_cast<size_t>(copies));
  std::vector<std::span<const int32_t>> views;
  for (int copy = 0; copy < copies; ++copy) {
    for (int b = 0; b < blocks; ++b)
      tables[static_cast<size_t>(copy)].push_back((b * copies + copy) % (blocks * copies));
    views.emplace_back(tables[static_cast<size_t>(copy)]);
  }
  const auto same = identity(backend, width);
  std::vector<float> result(static_cast<size_t>(c.positions) * width);
  for (int from = 0; from < c.positions; from += chunk) {
    const int n = std::min(chunk, c.positions - from);
    const auto rows = static_cast<size_t>(n * copies);
    std::vector<int32_t> positions, sequences;
    std::vector<float> q, k, v;
    auto append = [&](std::vector<float>& to, const std::vector<float>& values, size_t cols) {
      to.insert(to.end(), values.begin() + from * static_cast<long>(cols),
                values.begin() + (from + n) * static_cast<long>(cols));
    };
    for (int copy = 0; copy < copies; ++copy) {
      for (int i = 0; i < n; ++i) positions.push_back(from + i), sequences.push_back(copy);
      append(q, in.q, width), append(k, in.k, kv_width), append(v, in.v, kv_width);
    }
    auto qa = make(backend, q, rows, width), ka = make(backend, k, rows, kv_width),
         va = make(backend, v, rows, kv_width);
    auto angles = std::move(*backend.array(rows, dim));
    backend.angles(in.rope, positions, *angles);
    auto out = std::move(*backend.activations(rows, width, {.codes = true, .floats = true}));
    const Batch batch{positions, sequences, views};
    backend.attend(attention, batch, *angles, *qa, *ka, *va, *store, 1, *out);
    auto seen = std::move(*backend.array(rows, width));
    const Linear product{same.get(), nullptr, seen.get()};
    backend.linear(*out, static_cast<int>(rows), {&product, 1});
    backend.read(
        *seen, static_cast<size_t>(n * (copies - 1)),
        {result.data() + static_cast<size_t>(from) * width, static_cast<size_t>(n) * width});
  }
  return result;
}

inline std::vector<double> prepared(const Case& c, const Inputs& in, const std::vector<float>& x,
                                    int heads, const std::vector<float>& norm) {
  std::vector<double> out(x.begin(), x.end());
  const int dim = c.head_dim;
  for (int p = 0; p < c.positions; ++p)
    for (int h = 0; h < heads; ++h) {
      double* head = out.data() + (p * heads + h) * dim;
      if (c.norms) {
        double squares = 0;
        for (int d = 0; d < dim; ++d) squares += head[d] * head[d];
        for (int d = 0; d < dim; ++d)
          head[d] *= norm[static_cast<size_t>(d)] / std::sqrt(squares / dim + 1e-6);
      }
      for (int i = 0; i < dim / 2; ++i) {
        double &a = c.neighbours ? head[2 * i] : head[i],
               &b = c.neighbours ? head[2 * i + 1] : head[i + dim / 2];
        const double angle = p * in.rope.frequency[static_cast<size_t>(i)], a0 = a;
        a = a0 * std::cos(angle) - b * std::sin(angle);
        b = a0 * std::sin(angle) + b * std::cos(angle);
      }
    }
  return out;
}

inline std::vector<double> reference(const Case& c, const Inputs& in) {
  const auto q = prepared(c, in, in.q, c.heads, in.q_norm),
             k = prepared(c, in, in.k, c.kv_heads, in.k_norm);
  const int dim = c.head_dim, group = c.heads / c.kv_heads;
  std::vector<double> out(q.size());
  for (int p = 0; p < c.positions; ++p)
    for (int h = 0; h < c.heads; ++h) {
      const int low = c.window > 0 ? std::max(0, p - c.window + 1) : 0;
      std::vector<double> scores;
      for (int j = low; j <= p; ++j) {
        double s = 0;
        for (int d = 0; d < dim; ++d)
          s += q[(p * c.heads + h) * dim + d] * k[(j * c.kv_heads + h / group) * dim + d];
        scores.push_back(s / std::sqrt(dim));
      }
      const double top = *std::max_element(scores.begin(), scores.end());
      double sum = 0;
      for (double& s : scores) sum += s = std::exp(s - top);
      for (int j = low; j <= p; ++j)
        for (int d = 0; d < dim; ++d)
          out[(p * c.heads + h) * dim + d] +=
              scores[j - low] / sum * in.v[(j * c.kv_heads + h / group) * dim + d];
    }
  return out;
}

/// Σ (got − expected)² / Σ expected²
inline double nmse(const std::vector<float>& got, const std::vector<double>& expected) {
  double error = 0, power = 0;
  for (size_t i = 0; i < got.size(); ++i)
    error += std::pow(got[i] - expected[i], 2), power += std::pow(expected[i], 2);
  return error / power;
}

}  // namespace handmill::backend::test
