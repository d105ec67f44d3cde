// Products of quantized panels with int8 activations; the order of every output is in kernels.h.
// Few activations read the packed codes directly (decode); many first expand a tile of panels to
// bytes in the first-level cache (prefill).

template <int N, class Body>
HANDMILL_INLINE void unroll(Body body) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, i>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}

template <Codes C>
struct CodeTraits;
template <>
struct CodeTraits<Codes::k2> {
  static constexpr int kBits = 2;
  static constexpr Width kWidth = Width::kNibble;
};
template <>
struct CodeTraits<Codes::k3> {
  static constexpr int kBits = 3;
  static constexpr Width kWidth = Width::kNibble;
};
template <>
struct CodeTraits<Codes::k4> {
  static constexpr int kBits = 4;
  static constexpr Width kWidth = Width::kNibble;
};
template <>
struct CodeTraits<Codes::k4Table> {
  static constexpr int kBits = 4;
  static constexpr Width kWidth = Width::kWide;
};
template <>
struct CodeTraits<Codes::k5> {
  static constexpr int kBits = 5;
  static constexpr Width kWidth = Width::kNarrow;
};
template <>
struct CodeTraits<Codes::k6> {
  static constexpr int kBits = 6;
  static constexpr Width kWidth = Width::kNarrow;
};
template <>
struct CodeTraits<Codes::k8> {
  static constexpr int kBits = 8;
  static constexpr Width kWidth = Width::kWide;
};

/// The bits of quad Q in a plane of `kBits` bits, moved up by `kUp` bits of the code.
template <int kBits, int kUp, int Q>
HANDMILL_INLINE Vec::B plane(const uint8_t* at) {
  constexpr int kVectors = 2 * kBits;
  constexpr int kShift = kBits * (Q / kVectors) - kUp;
  return Vec::shift_and<kShift>(Vec::load_bytes(at + 64 * (Q % kVectors)), ((1u << kBits) - 1)
                                                                               << kUp);
}

/// The codes of quad Q (0..15) of a pair of groups.
template <Codes C, int Q>
HANDMILL_INLINE Vec::B quad(const uint8_t* pair, Vec::Table table) {
  if constexpr (C == Codes::k2) return plane<2, 0, Q>(pair);
  if constexpr (C == Codes::k3)
    return Vec::or_bytes(plane<2, 0, Q>(pair), plane<1, 2, Q>(pair + 256));
  if constexpr (C == Codes::k4) return plane<4, 0, Q>(pair);
  if constexpr (C == Codes::k4Table) return Vec::look_up(table, plane<4, 0, Q>(pair));
  if constexpr (C == Codes::k5)
    return Vec::or_bytes(plane<4, 0, Q>(pair), plane<1, 4, Q>(pair + 512));
  if constexpr (C == Codes::k6)
    return Vec::or_bytes(plane<4, 0, Q>(pair), plane<2, 4, Q>(pair + 512));
  return Vec::load_bytes(pair + 64 * Q);
}

/// Scales and mins of the 16 rows for group g of a tile of `groups` groups of 32 columns. kGroup is
/// the columns that share a scale, and g counts those.
template <Scales S>
struct ScaleTraits {
  static constexpr bool kHalves = S == Scales::kHalf || S == Scales::kHalfMin;
  static constexpr bool kMins =
      S == Scales::kHalfMin || S == Scales::kSubMin32 || S == Scales::kSubMin16;
  static constexpr int kGroup = S == Scales::kSub16 || S == Scales::kSubMin16 ? 16 : 32;
  static constexpr int kHead = kMins ? 64 : 32;  // of the formats with sub-scales

  static HANDMILL_INLINE Vec::F scale(const uint8_t* tile, int g) {
    if constexpr (kHalves) return Vec::load_half(tile + 32 * g);
    if constexpr (S == Scales::kFloat) return load_floats(tile + 64 * g);
    return Vec::mul(Vec::load_half(tile), Vec::load_i8(tile + kHead + 16 * g));
  }
  static HANDMILL_INLINE Vec::F min(const uint8_t* tile, int groups, int g) {
    if constexpr (kHalves) return Vec::load_half(tile + 32 * (groups + g));
    const int all = groups * (32 / kGroup);
    return Vec::mul(Vec::load_half(tile + 32), Vec::load_u8(tile + kHead + 16 * (all + g)));
  }
  static HANDMILL_INLINE Vec::F load_floats(const uint8_t* at) {
    return Vec::load(reinterpret_cast<const float*>(at));
  }
};

/// −offset · Σ codes of group g (of kGroup columns). Formats with mins have no offset.
template <int kGroup, bool kMins>
HANDMILL_INLINE int start_of(const int32_t* sums16, int g, int offset) {
  if constexpr (kMins) return 0;
  if constexpr (kGroup == 16) return -offset * sums16[g];
  return -offset * (sums16[2 * g] + sums16[2 * g + 1]);
}

/// Σ codes · scale of group g, as the mins want it.
template <int kGroup>
HANDMILL_INLINE float sum_of(const CodeRows& x, size_t group) {
  if constexpr (kGroup == 16) return static_cast<float>(x.sums16[group]) * x.scales[group / 2];
  return x.sums[group];
}

/// One panel times N activations, straight from the packed codes.
template <Codes C, Scales S, int N>
void product_direct(const Product& p, const uint8_t* panel, const CodeRows* x, float* out) {
  using Traits = ScaleTraits<S>;
  constexpr int kGroup = Traits::kGroup;
  constexpr int kParts = 32 / kGroup;  // scales in 32 columns
  constexpr size_t kPairBytes = static_cast<size_t>(CodeTraits<C>::kBits) * 128;
  const auto table = Vec::load_table(p.scratch);
  const int offset = p.layout->code_offset;
  const size_t cols = x[0].cols;
  Vec::F y[N];
  for (auto& lane : y) lane = Vec::zero();
  const uint8_t* tile = panel;
  for (size_t start = 0; start < cols; start += kTileCols) {
    const int groups = static_cast<int>(std::min<size_t>(kTileCols, cols - start)) / kGroupCols;
    const uint8_t* pair = tile + scale_bytes_of<S>(groups);
    for (int g = 0; g < groups; g += 2, pair += kPairBytes) {
      for (size_t ahead = 0; ahead < kPairBytes; ahead += 64) prefetch(pair + 4096 + ahead);
      const size_t col = start + static_cast<size_t>(g) * kGroupCols;
      typename Vec::template Dot<CodeTraits<C>::kWidth> dot[N][2 * kParts];
      for (int n = 0; n < N; ++n)
        unroll<2 * kParts>([&](auto part) {
          dot[n][part].begin(start_of<kGroup, Traits::kMins>(x[n].sums16 + col / 16, part, offset));
        });
      unroll<16>([&](auto q) {
        const Vec::B codes = quad<C, q>(pair, table);
        for (int n = 0; n < N; ++n)
          dot[n][q * kParts / 8].step(codes, Vec::broadcast(x[n].codes + col + 4 * q));
      });
      unroll<2 * kParts>([&](auto part) {
        const int scale_group = g * kParts + part;
        const Vec::F w = Traits::scale(tile, scale_group);
        [[maybe_unused]] Vec::F m;
        if constexpr (Traits::kMins) m = Traits::min(tile, groups, scale_group);
        const size_t group = col / kGroup + part;
        for (int n = 0; n < N; ++n) {
          const int first = start_of<kGroup, Traits::kMins>(x[n].sums16 + col / 16, part, offset);
          const Vec::F t = Vec::to_float(dot[n][part].end(first));
          const Vec::F u = Vec::mul(t, Vec::set1(x[n].scales[col / 32 + part / kParts]));
          y[n] = Vec::fma(u, w, y[n]);
          if constexpr (Traits::kMins)
            y[n] = Vec::fnma(m, Vec::set1(sum_of<kGroup>(x[n], group)), y[n]);
        }
      });
    }
    tile = pair;
  }
  for (int n = 0; n < N; ++n) Vec::store(out + static_cast<size_t>(n) * p.out_stride, y[n]);
}

/// A tile of kPanels panels as bytes: codes [panel][quad][64], scales and mins [panel][group][16].
struct Expanded {
  uint8_t* codes;
  float* scales;
  float* mins;
};
constexpr int kExpandedCodes = kTileCols * kPanelRows;
constexpr int kExpandedScales = 16 * kPanelRows;

template <Codes C, Scales S>
const uint8_t* expand_tile(const uint8_t* tile, int groups, Vec::Table table, const Expanded& out) {
  using Traits = ScaleTraits<S>;
  for (int g = 0; g < groups * (32 / Traits::kGroup); ++g) {
    Vec::store(out.scales + 16 * g, Traits::scale(tile, g));
    if constexpr (Traits::kMins) Vec::store(out.mins + 16 * g, Traits::min(tile, groups, g));
  }
  const uint8_t* pair = tile + scale_bytes_of<S>(groups);
  uint8_t* to = out.codes;
  for (int g = 0; g < groups; g += 2, to += 16 * 64) {
    unroll<16>([&](auto q) { Vec::store_bytes(to + 64 * q, quad<C, q>(pair, table)); });
    pair += CodeTraits<C>::kBits * 128;
  }
  return pair;
}

/// y[n][panel] += expanded tile · activations, for P panels and N activations; `first` says that y
/// starts at 0.
template <Width W, int kGroup, bool kMins, int P, int N>
void multiply_tile(const Expanded& w, int groups, const CodeRows* x, size_t col, int offset,
                   bool first, float* out, size_t out_stride) {
  Vec::F y[N][P];
  for (int n = 0; n < N; ++n)
    for (int p = 0; p < P; ++p)
      y[n][p] = first ? Vec::zero() : Vec::load(out + static_cast<size_t>(n) * out_stride + 16 * p);
  constexpr int kQuads = kGroup / 4;
  for (int g = 0; g < groups * (32 / kGroup); ++g) {
    typename Vec::template Dot<W> dot[N][P];
    int start[N];
    for (int n = 0; n < N; ++n) {
      start[n] = start_of<kGroup, kMins>(x[n].sums16 + col / 16, g, offset);
      for (int p = 0; p < P; ++p) dot[n][p].begin(start[n]);
    }
    const uint8_t* codes = w.codes + g * kQuads * 64;
    const size_t at = col + static_cast<size_t>(g) * kGroup;
    unroll<kQuads>([&](auto q) {
      Vec::B quads[P];
      for (int p = 0; p < P; ++p) quads[p] = Vec::load_bytes(codes + p * kExpandedCodes + q * 64);
      for (int n = 0; n < N; ++n) {
        const Vec::X four = Vec::broadcast(x[n].codes + at + 4 * q);
        for (int p = 0; p < P; ++p) dot[n][p].step(quads[p], four);
      }
    });
    for (int n = 0; n < N; ++n) {
      const Vec::F scale = Vec::set1(x[n].scales[at / 32]);
      for (int p = 0; p < P; ++p) {
        const float* row_scales = w.scales + p * kExpandedScales + 16 * g;
        const Vec::F u = Vec::mul(Vec::to_float(dot[n][p].end(start[n])), scale);
        y[n][p] = Vec::fma(u, Vec::load(row_scales), y[n][p]);
        if constexpr (kMins)
          y[n][p] = Vec::fnma(Vec::load(w.mins + p * kExpandedScales + 16 * g),
                              Vec::set1(sum_of<kGroup>(x[n], at / kGroup)), y[n][p]);
      }
    }
  }
  for (int n = 0; n < N; ++n)
    for (int p = 0; p < P; ++p)
      Vec::store(out + static_cast<size_t>(n) * out_stride + 16 * p, y[n][p]);
}

template <Width W, int kGroup, bool kMins, int P>
void multiply_tile_all(const Product& p, const Expanded& w, int groups, size_t col, bool first,
                       float* out) {
  const int offset = p.layout->code_offset;
  CodeRows x[Vec::kTokens];
  size_t i = 0;
  for (; i + Vec::kTokens <= p.n; i += Vec::kTokens) {
    for (int n = 0; n < Vec::kTokens; ++n) x[n] = p.x.at(i + static_cast<size_t>(n));
    multiply_tile<W, kGroup, kMins, P, Vec::kTokens>(w, groups, x, col, offset, first,
                                                     out + i * p.out_stride, p.out_stride);
  }
  for (; i < p.n; ++i) {
    x[0] = p.x.at(i);
    multiply_tile<W, kGroup, kMins, P, 1>(w, groups, x, col, offset, first, out + i * p.out_stride,
                                          p.out_stride);
  }
}

template <Codes C, Scales S, int P>
void product_expanded(const Product& p, const uint8_t* const* panels, float* out) {
  using Traits = ScaleTraits<S>;
  uint8_t* scratch = p.scratch + 64;
  auto* floats = reinterpret_cast<float*>(scratch + P * kExpandedCodes);
  const Expanded w{scratch, floats, floats + P * kExpandedScales};
  const auto table = Vec::load_table(p.scratch);
  const uint8_t* tiles[P];
  for (int i = 0; i < P; ++i) tiles[i] = panels[i];
  const size_t cols = p.x.cols;
  for (size_t col = 0; col < cols; col += kTileCols) {
    const int groups = static_cast<int>(std::min<size_t>(kTileCols, cols - col)) / kGroupCols;
    for (int i = 0; i < P; ++i)
      tiles[i] = expand_tile<C, S>(tiles[i], groups, table,
                                   {w.codes + i * kExpandedCodes, w.scales + i * kExpandedScales,
                                    w.mins + i * kExpandedScales});
    multiply_tile_all<CodeTraits<C>::kWidth, Traits::kGroup, Traits::kMins, P>(p, w, groups, col,
                                                                               col == 0, out);
  }
}

/// From this many activations on, expanding a tile costs less than decoding it for every few of
/// them.
constexpr size_t kExpandFrom = 12;

template <Codes C, Scales S>
void product_of(const Product& p) {
  if (p.n < kExpandFrom) {
    for (int panel = 0; panel < p.panel_count; ++panel) {
      const uint8_t* codes = p.panels + static_cast<size_t>(panel) * p.panel_bytes;
      float* out = p.out + 16 * panel;
      CodeRows x[4];
      size_t i = 0;
      for (; i + 4 <= p.n; i += 4) {
        for (size_t n = 0; n < 4; ++n) x[n] = p.x.at(i + n);
        product_direct<C, S, 4>(p, codes, x, out + i * p.out_stride);
      }
      for (size_t n = i; n < p.n; ++n) x[n - i] = p.x.at(n);
      out += i * p.out_stride;
      if (p.n - i == 1) product_direct<C, S, 1>(p, codes, x, out);
      if (p.n - i == 2) product_direct<C, S, 2>(p, codes, x, out);
      if (p.n - i == 3) product_direct<C, S, 3>(p, codes, x, out);
    }
    return;
  }
  int panel = 0;
  for (; panel + Vec::kPanels <= p.panel_count; panel += Vec::kPanels) {
    const uint8_t* panels[Vec::kPanels];
    for (int i = 0; i < Vec::kPanels; ++i)
      panels[i] = p.panels + static_cast<size_t>(panel + i) * p.panel_bytes;
    product_expanded<C, S, Vec::kPanels>(p, panels, p.out + 16 * panel);
  }
  for (; panel < p.panel_count; ++panel) {
    const uint8_t* one = p.panels + static_cast<size_t>(panel) * p.panel_bytes;
    product_expanded<C, S, 1>(p, &one, p.out + 16 * panel);
  }
}
