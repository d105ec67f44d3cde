// Row-wise kernels: quantization, norms, gates, and the exponential that the gates and attention
// share.

/// e^x to about 1 ulp for x ≤ 88; 0 below −87. Cephes' expf on [−ln 2 / 2, ln 2 / 2].
HANDMILL_INLINE Vec::F exponential(Vec::F x) {
  constexpr float kLow = -87.0f;
  const Vec::F bounded = Vec::max(Vec::min(x, Vec::set1(88.0f)), Vec::set1(kLow));
  const Vec::F n = Vec::round(Vec::mul(bounded, Vec::set1(1.44269504088896341f)));
  Vec::F r = Vec::fnma(n, Vec::set1(0.693359375f), bounded);
  r = Vec::fnma(n, Vec::set1(-2.12194440e-4f), r);
  Vec::F p = Vec::set1(1.9875691500e-4f);
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = Vec::fma(p, r, Vec::set1(c));
  p = Vec::add(Vec::fma(p, Vec::mul(r, r), r), Vec::set1(1.0f));
  return Vec::keep_from(x, kLow, Vec::mul(p, Vec::power2(n)));
}

/// Calls body(load, store offset) for whole vectors, then once for the zero-padded rest.
template <class Body>
HANDMILL_INLINE void for_vectors(size_t n, Body body) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) body(i, size_t{16});
  if (i < n) body(i, n - i);
}
HANDMILL_INLINE Vec::F load_some(const float* p, size_t count) {
  if (count == 16) return Vec::load(p);
  float padded[16] = {};
  std::memcpy(padded, p, count * sizeof(float));
  return Vec::load(padded);
}
HANDMILL_INLINE void store_some(float* p, size_t count, Vec::F value) {
  if (count == 16) return Vec::store(p, value);
  float padded[16];
  Vec::store(padded, value);
  std::memcpy(p, padded, count * sizeof(float));
}

/// A scale with at most 16 significant bits, not below amax / 127.
inline float code_scale(float amax) {
  const uint32_t bits = std::bit_cast<uint32_t>(amax / 127.0f);
  return std::bit_cast<float>((bits + 0xffu) & ~0xffu);
}

/// Stores round(x · inverse) in −127..127 and returns the sum; a NaN becomes 127, and its scale
/// says that it was one.
HANDMILL_INLINE int store_codes(int8_t* codes, Vec::F x, Vec::F inverse) {
  const Vec::F rounded = Vec::round(Vec::mul(x, inverse));
  const Vec::F bounded = Vec::max(Vec::min(rounded, Vec::set1(127.0f)), Vec::set1(-127.0f));
  Vec::store_i8(codes, bounded);
  return static_cast<int>(Vec::reduce_add(bounded));  // of 16 small whole numbers: exact
}

void quantize(const float* x, size_t cols, const CodeRows& out) {
  for (size_t group = 0; group < out.cols / 32; ++group) {
    const size_t col = group * 32;
    const size_t count = col < cols ? std::min<size_t>(32, cols - col) : 0;
    const Vec::F low = load_some(x + std::min(col, cols), std::min<size_t>(16, count));
    const Vec::F high = load_some(x + std::min(col + 16, cols), count > 16 ? count - 16 : 0);
    const float amax = Vec::reduce_max(Vec::max(Vec::abs(low), Vec::abs(high)));
    // Below this the inverse would overflow; a group so small adds nothing that float32 could hold.
    const float scale = amax > 1e-30f ? code_scale(amax) : 0.0f;
    const Vec::F inverse = Vec::set1(scale > 0 ? 1.0f / scale : 0.0f);
    const int sum0 = store_codes(out.codes + col, low, inverse);
    const int sum1 = store_codes(out.codes + col + 16, high, inverse);
    out.scales[group] = scale;
    out.sums[group] = static_cast<float>(sum0 + sum1) * scale;
    out.sums16[2 * group] = sum0;
    out.sums16[2 * group + 1] = sum1;
  }
}

void rms_norm(const float* x, const float* weight, float eps, size_t n, float* out) {
  Vec::F squares = Vec::zero();
  for_vectors(n, [&](size_t i, size_t count) {
    const Vec::F v = load_some(x + i, count);
    squares = Vec::fma(v, v, squares);
  });
  const float mean = Vec::reduce_add(squares) / static_cast<float>(n);
  const Vec::F scale = Vec::set1(1.0f / std::sqrt(mean + eps));
  for_vectors(n, [&](size_t i, size_t count) {
    const Vec::F v = Vec::mul(load_some(x + i, count), scale);
    store_some(out + i, count, Vec::mul(v, load_some(weight + i, count)));
  });
}

void gate(Activation activation, const float* gates, const float* up, size_t n, float* out) {
  for_vectors(n, [&](size_t i, size_t count) {
    const Vec::F g = load_some(gates + i, count);
    Vec::F z = Vec::sub(Vec::zero(), g);
    if (activation == Activation::kGeluTanh) {
      // 0.5 (1 + tanh u) = 1 / (1 + e^(−2u)), u = sqrt(2 / π) (g + 0.044715 g³)
      const Vec::F cubic = Vec::fma(Vec::mul(g, g), Vec::set1(0.044715f), Vec::set1(1.0f));
      z = Vec::mul(z, Vec::mul(cubic, Vec::set1(2.0f * 0.7978845608028654f)));
    }
    const Vec::F sigmoid = Vec::div(Vec::set1(1.0f), Vec::add(Vec::set1(1.0f), exponential(z)));
    store_some(out + i, count, Vec::mul(Vec::mul(g, sigmoid), load_some(up + i, count)));
  });
}
