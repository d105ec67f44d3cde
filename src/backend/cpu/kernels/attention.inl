// One tile of 64 keys against several queries: scores with a lane a key, an online softmax (arXiv
// 2205.14135), and values with a lane a dimension. Every query's arithmetic is its own, in a fixed
// order, whatever queries share the tile.

constexpr int kKeyPanels = kKvBlock / 16;
static_assert(Vec::kQueries <= kTileQueries);

/// scores[n][64] = q · K, for N queries of float keys.
template <int N>
void half_scores(const AttendBlock& job, int first, float* scores) {
  constexpr int P = Vec::kScorePanels;
  const auto dim = static_cast<size_t>(job.head_dim);
  const float* q = job.q + static_cast<size_t>(first) * dim;
  for (int panel = 0; panel < kKeyPanels; panel += P) {
    const uint8_t* keys = job.block + static_cast<size_t>(panel) * dim * 32;
    Vec::F s[N][P];
    for (auto& row : s)
      for (auto& lane : row) lane = Vec::zero();
    for (size_t d = 0; d < dim; ++d) {
      Vec::F k[P];
      for (size_t p = 0; p < P; ++p) k[p] = Vec::load_half(keys + (p * dim + d) * 32);
      for (int n = 0; n < N; ++n) {
        const Vec::F value = Vec::set1(q[static_cast<size_t>(n) * dim + d]);
        for (int p = 0; p < P; ++p) s[n][p] = Vec::fma(k[p], value, s[n][p]);
      }
    }
    for (int n = 0; n < N; ++n)
      for (int p = 0; p < P; ++p)
        Vec::store(scores + n * kKvBlock + 16 * (panel + p), s[n][p]);
  }
}

/// The same for int8 keys, as products of wide codes with one scale for each 32 dimensions.
template <int N>
void code_scores(const AttendBlock& job, int first, float* scores) {
  const auto dim = static_cast<size_t>(job.head_dim);
  const size_t groups = dim / 32;
  const CodeRows q = job.q_codes.at(static_cast<size_t>(first));
  const uint8_t* scales = job.block + kKvBlock * dim;
  for (size_t p = 0; p < kKeyPanels; ++p) {
    Vec::F s[N];
    for (auto& lane : s) lane = Vec::zero();
    for (size_t g = 0; g < groups; ++g) {
      const uint8_t* codes = job.block + (p * groups + g) * 512;
      Vec::Dot<Width::kWide> dot[N];
      int start[N];
      for (size_t n = 0; n < N; ++n) {
        const int32_t* sums = q.sums16 + (n * groups + g) * 2;
        start[n] = -128 * (sums[0] + sums[1]);
        dot[n].begin(start[n]);
      }
      unroll<8>([&](auto i) {
        const Vec::B keys = Vec::load_bytes(codes + 64 * i);
        for (size_t n = 0; n < N; ++n)
          dot[n].step(keys, Vec::broadcast(q.codes + n * dim + 32 * g + 4 * i));
      });
      const Vec::F scale = Vec::load_half(scales + (p * groups + g) * 32);
      for (size_t n = 0; n < N; ++n) {
        const Vec::F t = Vec::to_float(dot[n].end(start[n]));
        s[n] = Vec::fma(Vec::mul(t, Vec::set1(q.scales[n * groups + g])), scale, s[n]);
      }
    }
    for (size_t n = 0; n < N; ++n) Vec::store(scores + n * kKvBlock + 16 * p, s[n]);
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
  float ratios[16];
  Vec::store(ratios, exponential(Vec::set1(*maximum - next)));
  for (int p = 0; p < kKeyPanels; ++p) {
    s[p] = exponential(Vec::sub(s[p], Vec::set1(next)));
    Vec::store(scores + 16 * p, s[p]);
  }
  const float total = Vec::reduce_add(Vec::add(Vec::add(s[0], s[1]), Vec::add(s[2], s[3])));
  *maximum = next;
  *sum = std::fma(*sum, ratios[0], total);
  return ratios[0];
}

template <KvType T>
HANDMILL_INLINE Vec::F load_value(const uint8_t* values, const uint8_t* scales, size_t dim,
                                  size_t j, size_t d) {
  if constexpr (T == KvType::kF16) return Vec::load_half(values + (j * dim + d) * 2);
  uint16_t half;
  std::memcpy(&half, scales + (j * (dim / 32) + d / 32) * 2, 2);
  return Vec::mul(Vec::load_i8(values + j * dim + d), Vec::set1(tensor::half_to_float(half)));
}

/// Keys that some of a few queries see, and within them those that all see.
struct KeyRange {
  int begin = kKvBlock, end = 0, all_begin = 0, all_end = kKvBlock;
};

/// values[n] = values[n] · ratio[n] + Σ_j weight[n][j] · V[j], j ascending over what query n sees,
/// for N queries and D vectors of dimensions. A weight of 0 would not do for what it does not see:
/// 0 · ∞ is not a number.
template <KvType T, int N, int D>
void add_values(const AttendBlock& job, int first, size_t d0, const KeyRange& keys,
                const float* weights, const float* ratios) {
  const auto dim = static_cast<size_t>(job.head_dim);
  const uint8_t* values = job.block + kv_half_bytes(T, dim);
  const uint8_t* scales = values + kKvBlock * dim;
  float* out = job.values + static_cast<size_t>(first) * dim + d0;
  Vec::F y[N][D];
  for (int n = 0; n < N; ++n)
    for (int d = 0; d < D; ++d)
      y[n][d] =
          Vec::mul(Vec::load(out + static_cast<size_t>(n) * dim + 16 * d), Vec::set1(ratios[n]));
  const int *begin = job.begin + first, *end = job.end + first;
  auto add = [&](int from, int to, auto sees) __attribute__((always_inline)) {
    for (int j = from; j < to; ++j) {
      Vec::F v[D];
      for (int d = 0; d < D; ++d)
        v[d] = load_value<T>(values, scales, dim, static_cast<size_t>(j),
                             d0 + 16 * static_cast<size_t>(d));
      for (int n = 0; n < N; ++n) {
        if (!sees(n, j)) continue;
        const Vec::F weight = Vec::set1(weights[n * kKvBlock + j]);
        for (int d = 0; d < D; ++d) y[n][d] = Vec::fma(weight, v[d], y[n][d]);
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

template <KvType T, int N>
void attend_queries(const AttendBlock& job, int first) {
  float* scores = job.scratch;
  float ratios[N];
  if constexpr (T == KvType::kF16) {
    half_scores<N>(job, first, scores);
  } else {
    code_scores<N>(job, first, scores);
  }
  KeyRange keys;
  for (int n = 0; n < N; ++n) {
    const int row = first + n;
    keys.all_begin = std::max(keys.all_begin, job.begin[row]);
    keys.all_end = std::min(keys.all_end, job.end[row]);
    ratios[n] = 1.0f;
    if (job.begin[row] >= job.end[row]) continue;
    ratios[n] = weigh(scores + n * kKvBlock, job.begin[row], job.end[row], job.maximum + row,
                      job.sum + row);
    keys.begin = std::min(keys.begin, job.begin[row]);
    keys.end = std::max(keys.end, job.end[row]);
  }
  if (keys.begin >= keys.end) return;
  size_t d = 0;
  const auto dim = static_cast<size_t>(job.head_dim);
  constexpr int kWide = Vec::kValueVectors;
  for (; d + 16 * kWide <= dim; d += 16 * kWide)
    add_values<T, N, kWide>(job, first, d, keys, scores, ratios);
  for (; d + 16 <= dim; d += 16) add_values<T, N, 1>(job, first, d, keys, scores, ratios);
}

/// Tiles of as equal sizes as can be: each reads the whole block.
template <KvType T>
void attend_type(const AttendBlock& job) {
  int row = 0;
  for (int tiles = (job.rows + Vec::kQueries - 1) / Vec::kQueries; tiles > 0; --tiles) {
    const int count = (job.rows - row + tiles - 1) / tiles;
    unroll<Vec::kQueries>([&](auto n) {
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
  uint8_t* values = block + kv_half_bytes(KvType::kF16, dim) + position * dim * 2;
  for (size_t d = 0; d < dim; d += 16) {
    uint8_t halves[32];
    Vec::store_half(halves, Vec::load(k + d));
    for (size_t i = 0; i < 16; ++i) std::memcpy(keys + (d + i) * 32, halves + 2 * i, 2);
    Vec::store_half(values + 2 * d, Vec::load(v + d));
  }
}

/// Codes and half scale of 32 values: scale = amax / 127 rounded to half, code = round(x / scale).
void code_group(const float* x, int8_t* codes, uint8_t* scale_at) {
  const Vec::F low = Vec::load(x), high = Vec::load(x + 16);
  const float amax = Vec::reduce_max(Vec::max(Vec::abs(low), Vec::abs(high)));
  const uint16_t half = tensor::float_to_half(amax / 127.0f);
  const float scale = tensor::half_to_float(half);
  const Vec::F inverse = Vec::set1(scale > 0 ? 1.0f / scale : 0.0f);
  store_codes(codes, low, inverse);
  store_codes(codes + 16, high, inverse);
  std::memcpy(scale_at, &half, 2);
}

void store_code_kv(uint8_t* block, size_t dim, size_t position, const float* k, const float* v) {
  const size_t groups = dim / 32;
  uint8_t* values = block + kv_half_bytes(KvType::kQ8_0, dim);
  const size_t panel = position / 16, lane = position % 16;
  for (size_t g = 0; g < groups; ++g) {
    int8_t codes[32];
    code_group(k + 32 * g, codes, block + kKvBlock * dim + ((panel * groups + g) * 16 + lane) * 2);
    uint8_t* at = block + (panel * groups + g) * 512 + 4 * lane;
    for (size_t i = 0; i < 32; ++i) at[i / 4 * 64 + i % 4] = static_cast<uint8_t>(codes[i] + 128);
    code_group(v + 32 * g, codes, values + kKvBlock * dim + (position * groups + g) * 2);
    std::memcpy(values + position * dim + 32 * g, codes, 32);
  }
}

void store_kv(uint8_t* block, KvType type, int head_dim, int position, const float* k,
              const float* v) {
  const auto dim = static_cast<size_t>(head_dim), at = static_cast<size_t>(position);
  type == KvType::kF16 ? store_half_kv(block, dim, at, k, v) : store_code_kv(block, dim, at, k, v);
}
