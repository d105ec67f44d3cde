// Products of float panels ([column][16 rows]) with float activations: y = fma(w, x, y), columns
// ascending. Several panels or activations run side by side, because one chain would wait for its
// own additions.

template <Codes C>
HANDMILL_INLINE Vec::F load_weights(const uint8_t* at) {
  if constexpr (C == Codes::kF16) return Vec::load_half(at);
  if constexpr (C == Codes::kBF16) return Vec::load_bfloat(at);
  return Vec::load(reinterpret_cast<const float*>(at));
}

template <Codes C, int P, int N>
void float_tile(const Product& p, const uint8_t* panel, size_t first, float* out) {
  constexpr size_t kStep = kPanelRows * (C == Codes::kF32 ? 4 : 2);
  Vec::F y[N][P];
  for (auto& row : y)
    for (auto& lane : row) lane = Vec::zero();
  const float* x = p.xf + first * p.cols;
  for (size_t col = 0; col < p.cols; ++col) {
    Vec::F w[P];
    for (int i = 0; i < P; ++i)
      w[i] = load_weights<C>(panel + static_cast<size_t>(i) * p.panel_bytes + col * kStep);
    for (int n = 0; n < N; ++n) {
      const Vec::F value = Vec::set1(x[static_cast<size_t>(n) * p.cols + col]);
      for (int i = 0; i < P; ++i) y[n][i] = Vec::fma(w[i], value, y[n][i]);
    }
  }
  for (int n = 0; n < N; ++n)
    for (int i = 0; i < P; ++i)
      Vec::store(out + static_cast<size_t>(n) * p.out_stride + 16 * i, y[n][i]);
}

template <Codes C, int P>
void float_panels(const Product& p, const uint8_t* panel, float* out) {
  size_t i = 0;
  for (; i + Vec::kTokens <= p.n; i += Vec::kTokens)
    float_tile<C, P, Vec::kTokens>(p, panel, i, out + i * p.out_stride);
  for (; i < p.n; ++i) float_tile<C, P, 1>(p, panel, i, out + i * p.out_stride);
}

template <Codes C>
void float_product(const Product& p) {
  int panel = 0;
  for (; panel + 2 <= p.panel_count; panel += 2)
    float_panels<C, 2>(p, p.panels + static_cast<size_t>(panel) * p.panel_bytes,
                       p.out + 16 * panel);
  if (panel < p.panel_count)
    float_panels<C, 1>(p, p.panels + static_cast<size_t>(panel) * p.panel_bytes,
                       p.out + 16 * panel);
}
