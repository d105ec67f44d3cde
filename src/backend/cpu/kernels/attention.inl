// One tile of 64 keys against several queries: scores with a lane a key, an online softmax (arXiv
// 2205.14135), and values with a lane a dimension. Every query's arithmetic is its own, in a fixed
// order, whatever queries share the tile.

constexpr int kKeyPanels = kKvBlock / 16;
static_assert(Vec::kQueries <= kTileQueries);

/// Brings the next block near while this one is reduced, a few lines at a step, so that no more are
/// under way than the processor can wait for: one query alone waits longer for a block than it
/// computes on it. The first tile of queries does it for all.
struct Ahead {
  const uint8_t* at;
  size_t lines = 0, left = 0;
  Ahead(const AttendBlock& job, int first) : at(job.next) {
    if (first > 0 || at == nullptr) return;
    const auto dim = static_cast<size_t>(job.head_dim);
    lines = left = (key_bytes(job.type, dim) + value_bytes(job.type, dim)) / 64;
  }
  /// Lines of a step where half of the block is to be brought in so many.
  size_t half_in(size_t steps) const { return (lines / 2 + steps - 1) / steps; }
  HANDMILL_INLINE void step(size_t count) {
    const size_t now = std::min(count, left);
    for (size_t i = 0; i < now; ++i) prefetch(at + 64 * i);
    at += 64 * now;
    left -= now;
  }
};

/// scores[n][64] = q · K, for N queries of float keys.
template <int N>
void half_scores(const AttendBlock& job, int first, float* scores, Ahead& ahead) {
  constexpr int P = Vec::kScorePanels;
  const auto dim = static_cast<size_t>(job.head_dim);
  const float* q = job.q + static_cast<size_t>(first) * dim;
  constexpr size_t kStep = 8;  // dimensions; as few steps as do not crowd
  const size_t lines = ahead.half_in(kKeyPanels / P * dim / kStep);
  for (int panel = 0; panel < kKeyPanels; panel += P) {
    const uint8_t* keys = job.block + static_cast<size_t>(panel) * dim * 32;
    Vec::F s[N][P];
    for (auto& row : s)
      for (auto& lane : row) lane = Vec::zero();
    for (size_t d = 0; d < dim;) {
      ahead.step(lines);
      for (const size_t stop = d + kStep; d < stop; ++d) {
        Vec::F k[P];
        unroll<P>([&](auto p) __attribute__((always_inline)) {
          k[p] = Vec::load_half(keys + (p * dim + d) * 32);
        });
        unroll<N * P>([&](auto i) __attribute__((always_inline)) {
          s[i / P][i % P] = Vec::fma(k[i % P], Vec::set1(q[i / P * dim + d]), s[i / P][i % P]);
        });
      }
    }
    for (int n = 0; n < N; ++n)
      for (int p = 0; p < P; ++p) Vec::store(scores + n * kKvBlock + 16 * (panel + p), s[n][p]);
  }
}

/// A query's product with what a block's keys have in common.
float centre_score(const AttendBlock& job, int row) {
  if (!job.centred) return 0;
  const auto dim = static_cast<size_t>(job.head_dim);
  const float* q = job.q + static_cast<size_t>(row) * dim;
  const uint8_t* centre =
      job.block + key_bytes(KvType::kQ8_0, dim) + value_bytes(KvType::kQ8_0, dim);
  Vec::F sum = Vec::zero();
  for (size_t d = 0; d < dim; d += 16)
    sum = Vec::fma(Vec::load(q + d), Vec::load(reinterpret_cast<const float*>(centre) + d), sum);
  return Vec::reduce_add(sum);
}

/// The same for int8 keys, as products of wide codes with one scale for each 32 dimensions.
template <int N>
void code_scores(const AttendBlock& job, int first, float* scores, Ahead& ahead) {
  constexpr size_t P = Vec::kCodePanels;
  const auto dim = static_cast<size_t>(job.head_dim);
  const size_t groups = dim / 32;
  const CodeRows q = job.q_codes.at(static_cast<size_t>(first));
  const uint8_t* scales = job.block + kKvBlock * dim;
  float centre[N];
  for (int n = 0; n < N; ++n) centre[n] = centre_score(job, first + n);
  const size_t lines = ahead.half_in(kKeyPanels / P * groups);
  for (size_t panel = 0; panel < kKeyPanels; panel += P) {
    Vec::F s[N * P];
    for (size_t i = 0; i < N * P; ++i) s[i] = Vec::set1(centre[i / P]);
    for (size_t g = 0; g < groups; ++g) {
      ahead.step(lines);
      const uint8_t* codes = job.block + (panel * groups + g) * 512;
      Vec::HeldDot dot[N * P];
      int start[N];
      unroll<N>([&](auto n) __attribute__((always_inline)) {
        const int32_t* sums = q.sums16 + (n * groups + g) * 2;
        start[n] = -128 * (sums[0] + sums[1]);
        for (size_t p = 0; p < P; ++p) dot[n * P + p].begin(start[n]);
      });
      unroll<8>([&](auto i) __attribute__((always_inline)) {
        Vec::B keys[P];
        unroll<P>([&](auto p) __attribute__((always_inline)) {
          keys[p] = Vec::load_bytes(codes + p * groups * 512 + 64 * i);
        });
        unroll<N>([&](auto n) __attribute__((always_inline)) {
          const Vec::X x = Vec::broadcast(q.codes + n * dim + 32 * g + 4 * i);
          unroll<P>([&](auto p)
                        __attribute__((always_inline)) { dot[n * P + p].step(keys[p], x); });
        });
      });
      unroll<P>([&](auto p) __attribute__((always_inline)) {
        const Vec::F scale = Vec::load_half(scales + ((panel + p) * groups + g) * 32);
        unroll<N>([&](auto n) __attribute__((always_inline)) {
          const Vec::F t = Vec::to_float(dot[n * P + p].end(start[n]));
          const Vec::F scaled = Vec::mul(t, Vec::set1(q.scales[n * groups + g]));
          s[n * P + p] = Vec::fma(scaled, scale, s[n * P + p]);
        });
      });
    }
    for (size_t i = 0; i < N * P; ++i)
      Vec::store(scores + i / P * kKvBlock + 16 * (panel + i % P), s[i]);
  }
}

/// Turns scores into weights e^(s − maximum), 0 outside begin..end, and carries maximum and sum on.
/// Returns what the values so far are to be multiplied by.
float weigh(float* scores, int begin, int end, float* maximum, float* sum) {
  for (int j = 0; j < begin; ++j) scores[j] = -std::numeric_limits<float>::infinity();
  for (int j = end; j < kKvBlock; ++j) scores[j] = -std::numeric_limits<float>::infinity();
  Vec::F s[kKeyPanels];
  for (int p = 0; p < kKeyPanels; ++p) s[p] = Vec::load(scores + 16 * p);
  const float top = Vec::reduce_max(Vec::max(Vec::max(s[0], s[1]), Vec::max(s[2], s[3])));
  const float next = *maximum > top ? *maximum : top;
  float ratios[16] = {1};  // e^0: at depth a tile seldom brings a new maximum
  if (next != *maximum) Vec::store(ratios, exponential(Vec::set1(*maximum - next)));
  for (int p = 0; p < kKeyPanels; ++p) {
    s[p] = exponential(Vec::sub(s[p], Vec::set1(next)));
    Vec::store(scores + 16 * p, s[p]);
  }
  const float total = Vec::reduce_add(Vec::add(Vec::add(s[0], s[1]), Vec::add(s[2], s[3])));
  *maximum = next;
  *sum = std::fma(*sum, ratios[0], total);
  return ratios[0];
}

/// Keys that some of a few queries see, and within them those that all see.
struct KeyRange {
  int begin = kKvBlock, end = 0, all_begin = 0, all_end = kKvBlock;
};

/// values[n] = values[n] · ratio[n] + Σ_j weight[n][j] · V[j], j ascending over what query n sees,
/// for N queries and D vectors of dimensions. A weight of 0 would not do for what it does not see:
/// 0 · ∞ is not a number.
template <int N, int D>
void add_half_values(const AttendBlock& job, int first, size_t d0, const KeyRange& keys,
                     const float* weights, const float* ratios, Ahead& ahead) {
  const auto dim = static_cast<size_t>(job.head_dim);
  constexpr int kStep = 8;  // keys
  const size_t lines = ahead.half_in(kKvBlock * dim / (16 * D) / kStep);
  const uint8_t* values = job.block + key_bytes(KvType::kF16, dim) + 2 * d0;
  float* out = job.values + static_cast<size_t>(first) * dim + d0;
  Vec::F y[N][D];
  for (int n = 0; n < N; ++n)
    for (int d = 0; d < D; ++d)
      y[n][d] =
          Vec::mul(Vec::load(out + static_cast<size_t>(n) * dim + 16 * d), Vec::set1(ratios[n]));
  const int *begin = job.begin + first, *end = job.end + first;
  auto add = [&](int from, int to, auto sees) __attribute__((always_inline)) {
    for (int j = from; j < to;) {
      ahead.step(lines);
      for (const int stop = std::min(j + kStep, to); j < stop; ++j) {
        Vec::F v[D];
        unroll<D>([&](auto d) __attribute__((always_inline)) {
          v[d] = Vec::load_half(values + static_cast<size_t>(j) * dim * 2 + 32 * d);
        });
        unroll<N * D>([&](auto i) __attribute__((always_inline)) {
          constexpr int n = i / D;
          if (sees(n, j))
            y[n][i % D] = Vec::fma(Vec::set1(weights[n * kKvBlock + j]), v[i % D], y[n][i % D]);
        });
      }
    }
  };
  auto some = [&](int n, int j) { return begin[n] <= j && j < end[n]; };
  auto all = [](int, int) { return true; };
  const int all_begin = std::min(keys.all_begin, keys.end);
  const int all_end = std::max(keys.all_end, all_begin);
  add(keys.begin, all_begin, some);
  add(all_begin, all_end, all);
  add(all_end, keys.end, some);
  for (int n = 0; n < N; ++n)
    for (int d = 0; d < D; ++d) Vec::store(out + static_cast<size_t>(n) * dim + 16 * d, y[n][d]);
}

/// The weights of a tile's int8 values: each with its value's scale, as codes of 0..127.
struct CodedWeights {
  int8_t codes[kKvBlock];
  float scale;
  int start;  // −128 · Σ codes, for values that are kept as code + 128
};

void code_weights(const float* weights, const uint8_t* value_scales, CodedWeights& out) {
  // Only what a query sees has a weight; the scale of the rest may be anything.
  constexpr float kLeast = std::numeric_limits<float>::min();
  Vec::F w[kKeyPanels];
  for (int p = 0; p < kKeyPanels; ++p) {
    const Vec::F weight = Vec::load(weights + 16 * p);
    const Vec::F scaled = Vec::mul(weight, Vec::load_half(value_scales + 32 * p));
    w[p] = Vec::keep_from(weight, kLeast, scaled);
  }
  const float top = Vec::reduce_max(Vec::max(Vec::max(w[0], w[1]), Vec::max(w[2], w[3])));
  const Vec::F inverse = Vec::set1(top > 1e-30f ? 127.0f / top : 0.0f);
  for (int p = 0; p < kKeyPanels; ++p) {
    w[p] = Vec::round(Vec::mul(w[p], inverse));
    Vec::store_i8(out.codes + 16 * p, w[p]);
  }
  const float sum = Vec::reduce_add(Vec::add(Vec::add(w[0], w[1]), Vec::add(w[2], w[3])));
  out.start = -128 * static_cast<int>(sum);
  out.scale = top / 127.0f;
}

/// The same sum of int8 values, as one integer product over the tile: exact, so that what a query
/// does not see (code 0) adds nothing. Not inlined, since g++ would then keep what it takes out of
/// the loop over dimensions in the registers that the sums need.
template <int N, int D>
__attribute__((noinline)) void add_code_values(const AttendBlock& job, int first, size_t d0,
                                               const KeyRange& keys, const CodedWeights* weights,
                                               const float* ratios, Ahead& ahead) {
  const auto dim = static_cast<size_t>(job.head_dim);
  const uint8_t* values = job.block + key_bytes(KvType::kQ8_0, dim) + 4 * d0;
  Vec::HeldDot dot[N * D];
  unroll<N * D>([&](auto i) __attribute__((always_inline)) { dot[i].begin(weights[i / D].start); });
  const size_t lines = ahead.half_in(kKvBlock / 4 * dim / (16 * D));
  for (int j = keys.begin / 4 * 4; j < keys.end; j += 4) {
    ahead.step(lines);
    const uint8_t* row = values + static_cast<size_t>(j) * dim;
    Vec::B v[D];
    unroll<D>([&](auto d) __attribute__((always_inline)) { v[d] = Vec::load_bytes(row + 64 * d); });
    unroll<N>([&](auto n) __attribute__((always_inline)) {
      const Vec::X w = Vec::broadcast(weights[n].codes + j);
      unroll<D>([&](auto d) __attribute__((always_inline)) { dot[n * D + d].step(v[d], w); });
    });
  }
  float* out = job.values + static_cast<size_t>(first) * dim + d0;
  unroll<N>([&](auto n) __attribute__((always_inline)) {
    const CodedWeights& w = weights[n];
    const Vec::F scale = Vec::set1(w.scale), ratio = Vec::set1(ratios[n]);
    unroll<D>([&](auto d) __attribute__((always_inline)) {
      float* y = out + n * dim + 16 * d;
      const Vec::F t = Vec::to_float(dot[n * D + d].end(w.start));
      Vec::store(y, Vec::fma(t, scale, Vec::mul(Vec::load(y), ratio)));
    });
  });
}

template <KvType T, int N>
void attend_queries(const AttendBlock& job, int first) {
  float* scores = job.scratch;
  float ratios[N];
  Ahead ahead(job, first);
  T == KvType::kF16 ? half_scores<N>(job, first, scores, ahead)
                    : code_scores<N>(job, first, scores, ahead);
  KeyRange keys;
  for (int n = 0; n < N; ++n) {
    const int row = first + n;
    keys.all_begin = std::max(keys.all_begin, job.begin[row]);
    keys.all_end = std::min(keys.all_end, job.end[row]);
    ratios[n] = 1.0f;
    if (job.begin[row] >= job.end[row]) {
      std::fill_n(scores + n * kKvBlock, kKvBlock, 0.0f);
      continue;
    }
    ratios[n] = weigh(scores + n * kKvBlock, job.begin[row], job.end[row], job.maximum + row,
                      job.sum + row);
    keys.begin = std::min(keys.begin, job.begin[row]);
    keys.end = std::max(keys.end, job.end[row]);
  }
  if (keys.begin >= keys.end) return;
  const auto dim = static_cast<size_t>(job.head_dim);
  [[maybe_unused]] CodedWeights weights[N];
  if constexpr (T == KvType::kQ8_0) {
    const uint8_t* scales = job.block + key_bytes(T, dim) + kKvBlock * dim;
    for (int n = 0; n < N; ++n) code_weights(scores + n * kKvBlock, scales, weights[n]);
  }
  auto add = [&](size_t d, auto vectors) {
    if constexpr (T == KvType::kF16)
      add_half_values<N, vectors>(job, first, d, keys, scores, ratios, ahead);
    else
      add_code_values<N, vectors>(job, first, d, keys, weights, ratios, ahead);
  };
  size_t d = 0;
  constexpr int kWide = Vec::kValueVectors;
  for (; d + 16 * kWide <= dim; d += 16 * kWide) add(d, std::integral_constant<int, kWide>{});
  for (; d + 16 <= dim; d += 16) add(d, std::integral_constant<int, 1>{});
}

/// Tiles of as equal sizes as can be: each reads the whole block.
template <KvType T>
void attend_type(const AttendBlock& job) {
  int row = 0;
  for (int tiles = (job.rows + Vec::kQueries - 1) / Vec::kQueries; tiles > 0; --tiles) {
    const int count = (job.rows - row + tiles - 1) / tiles;
    unroll<Vec::kQueries>([&](auto n) __attribute__((always_inline)) {
      if (count == n + 1) attend_queries<T, n + 1>(job, row);
    });
    row += count;
  }
}

void attend(const AttendBlock& job) {
  job.type == KvType::kF16 ? attend_type<KvType::kF16>(job) : attend_type<KvType::kQ8_0>(job);
}

void merge(float* maximum_a, float* sum_a, float* values_a, float maximum_b, float sum_b,
           const float* values_b, int head_dim) {
  const float next = *maximum_a > maximum_b ? *maximum_a : maximum_b;
  float a[16], b[16];
  Vec::store(a, exponential(Vec::set1(*maximum_a - next)));
  Vec::store(b, exponential(Vec::set1(maximum_b - next)));
  *maximum_a = next;
  *sum_a = std::fma(*sum_a, a[0], sum_b * b[0]);
  for (int d = 0; d < head_dim; d += 16) {
    const Vec::F later = Vec::mul(Vec::load(values_b + d), Vec::set1(b[0]));
    Vec::store(values_a + d, Vec::fma(Vec::load(values_a + d), Vec::set1(a[0]), later));
  }
}

void store_half_kv(uint8_t* block, size_t dim, size_t position, const float* k, const float* v) {
  uint8_t* keys = block + position / 16 * dim * 32 + position % 16 * 2;
  uint8_t* values = block + key_bytes(KvType::kF16, dim) + position * dim * 2;
  for (size_t d = 0; d < dim; d += 16) {
    uint8_t halves[32];
    Vec::store_half(halves, Vec::load(k + d));
    for (size_t i = 0; i < 16; ++i) std::memcpy(keys + (d + i) * 32, halves + 2 * i, 2);
    Vec::store_half(values + 2 * d, Vec::load(v + d));
  }
}

/// Writes the scale of `count` values as a half, amax / 127; a value's code is value · the returned
/// inverse, rounded. A scale is never infinite, so that a code of 0 is a value of 0.
float put_scale(const float* x, size_t count, uint8_t* at) {
  Vec::F most = Vec::zero();
  for (size_t i = 0; i < count; i += 16) most = Vec::max(most, Vec::abs(Vec::load(x + i)));
  const uint16_t half = tensor::float_to_half(std::min(Vec::reduce_max(most) / 127.0f, 65504.0f));
  std::memcpy(at, &half, 2);
  const float scale = tensor::half_to_float(half);
  return scale > 0 ? 1.0f / scale : 0.0f;
}

/// Codes + 128 of `count` values; four in a row, then `stride` bytes on the next four.
void put_codes(const float* x, size_t count, float inverse, uint8_t* to, size_t stride,
               size_t apart) {
  for (size_t i = 0; i < count; i += 16) {
    int8_t codes[16];
    store_codes(codes, Vec::load(x + i), Vec::set1(inverse));
    for (size_t k = 0; k < 16; ++k)
      to[(i + k) / 4 * stride + (i + k) % 4 * apart] = static_cast<uint8_t>(codes[k] + 128);
  }
}

void store_code_kv(uint8_t* block, size_t dim, size_t position, const float* k, const float* v) {
  const size_t groups = dim / 32, panel = position / 16, lane = position % 16;
  for (size_t g = 0; g < groups; ++g) {
    const size_t at = panel * groups + g;
    const float inverse = put_scale(k + 32 * g, 32, block + kKvBlock * dim + (at * 16 + lane) * 2);
    put_codes(k + 32 * g, 32, inverse, block + at * 512 + 4 * lane, 64, 1);
  }
  uint8_t* values = block + key_bytes(KvType::kQ8_0, dim);
  const float inverse = put_scale(v, dim, values + kKvBlock * dim + position * 2);
  put_codes(v, dim, inverse, values + position / 4 * 4 * dim + position % 4, 16, 4);
}

void store_kv(uint8_t* block, KvType type, int head_dim, int position, const float* k,
              const float* v) {
  const auto dim = static_cast<size_t>(head_dim), at = static_cast<size_t>(position);
  type == KvType::kF16 ? store_half_kv(block, dim, at, k, v) : store_code_kv(block, dim, at, k, v);
}
