// The vocabulary in plain C++: the specification. F is 16 floats, I 16 int32, B 64 bytes (lane r
// owns bytes 4r..4r+3), X four activation codes.
struct Vec {
  static constexpr int kPanels = 2;  // panels and tokens of a prefill tile
  static constexpr int kTokens = 4;
  // An attention tile: queries, and how many panels of keys and vectors of values it holds at once.
  static constexpr int kQueries = 4;
  static constexpr int kScorePanels = 4;
  static constexpr int kCodePanels = 1;
  static constexpr int kValueVectors = 4;
  // Chains of a roof: as many as the registers hold.
  static constexpr int kDotChains = 12;
  static constexpr int kFmaChains = 6;

  struct F {
    float v[16];
  };
  struct I {
    int32_t v[16];
  };
  struct B {
    uint8_t v[64];
  };
  struct X {
    int8_t v[4];
  };

  template <class Op>
  static HANDMILL_INLINE F each(Op op) {
    F r;
    for (int i = 0; i < 16; ++i) r.v[i] = op(i);
    return r;
  }
  template <class Op>
  static HANDMILL_INLINE B each_byte(Op op) {
    B r;
    for (int i = 0; i < 64; ++i) r.v[i] = static_cast<uint8_t>(op(i));
    return r;
  }

  static F zero() {
    return each([](int) { return 0.0f; });
  }
  static F set1(float x) {
    return each([&](int) { return x; });
  }
  static F load(const float* p) {
    return each([&](int i) { return p[i]; });
  }
  static void store(float* p, F a) { std::memcpy(p, a.v, sizeof a.v); }
  static F add(F a, F b) {
    return each([&](int i) { return a.v[i] + b.v[i]; });
  }
  static F sub(F a, F b) {
    return each([&](int i) { return a.v[i] - b.v[i]; });
  }
  static F mul(F a, F b) {
    return each([&](int i) { return a.v[i] * b.v[i]; });
  }
  static F div(F a, F b) {
    return each([&](int i) { return a.v[i] / b.v[i]; });
  }
  static F fma(F a, F b, F c) {
    return each([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
  }
  static F fnma(F a, F b, F c) {
    return each([&](int i) { return std::fma(-a.v[i], b.v[i], c.v[i]); });
  }
  /// The second operand where the operands are unordered, as the hardware does.
  static F max(F a, F b) {
    return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F min(F a, F b) {
    return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F abs(F a) {
    return each([&](int i) { return std::fabs(a.v[i]); });
  }
  static F round(F a) {
    return each([&](int i) { return std::nearbyint(a.v[i]); });
  }
  /// a where x ≥ bound, else 0.
  static F keep_from(F x, float bound, F a) {
    return each([&](int i) { return x.v[i] >= bound ? a.v[i] : 0.0f; });
  }
  /// 2^n for whole n in −126..127.
  static F power2(F n) {
    return each(
        [&](int i) { return std::bit_cast<float>((static_cast<int32_t>(n.v[i]) + 127) << 23); });
  }
  static F load_half(const uint8_t* p) {
    return each([&](int i) { return tensor::half_to_float(half(p, i)); });
  }
  static F load_bfloat(const uint8_t* p) {
    return each([&](int i) { return tensor::bfloat_to_float(half(p, i)); });
  }
  static void store_half(uint8_t* p, F a) {
    for (int i = 0; i < 16; ++i) {
      const uint16_t h = tensor::float_to_half(a.v[i]);
      std::memcpy(p + 2 * i, &h, 2);
    }
  }
  static F load_i8(const uint8_t* p) {
    return each([&](int i) { return static_cast<float>(static_cast<int8_t>(p[i])); });
  }
  static F load_u8(const uint8_t* p) {
    return each([&](int i) { return static_cast<float>(p[i]); });
  }
  static F to_float(I a) {
    return each([&](int i) { return static_cast<float>(a.v[i]); });
  }
  /// Whole numbers in −127..127 as bytes.
  static void store_i8(int8_t* p, F a) {
    for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.v[i]);
  }

  /// Fixed trees: lanes i and i + 8, then + 4, + 2, + 1.
  static float reduce_add(F a) {
    for (int step = 8; step > 0; step /= 2)
      for (int i = 0; i < step; ++i) a.v[i] += a.v[i + step];
    return a.v[0];
  }
  static float reduce_max(F a) {
    for (int step = 8; step > 0; step /= 2)
      for (int i = 0; i < step; ++i) a.v[i] = a.v[i] > a.v[i + step] ? a.v[i] : a.v[i + step];
    return a.v[0];
  }

  static B load_bytes(const uint8_t* p) {
    return each_byte([&](int i) { return p[i]; });
  }
  static void store_bytes(uint8_t* p, B a) { std::memcpy(p, a.v, sizeof a.v); }
  static B or_bytes(B a, B b) {
    return each_byte([&](int i) { return a.v[i] | b.v[i]; });
  }
  /// Every byte shifted right by S (left by −S where S < 0), then masked.
  template <int S>
  static B shift_and(B a, unsigned mask) {
    return each_byte(
        [&](int i) { return (S >= 0 ? a.v[i] >> (S & 7) : a.v[i] << (-S & 7)) & mask; });
  }
  using Table = B;  // 16 bytes, as often as a register holds them
  static Table load_table(const uint8_t* p) {
    return each_byte([&](int i) { return p[i % 16]; });
  }
  static B look_up(Table table, B a) {
    return each_byte([&](int i) { return table.v[a.v[i] & 15]; });
  }

  /// Makes the compiler take x for changed.
  static void forget(X& x) { asm volatile("" : "+m"(x)); }
  static X broadcast(const int8_t* p) {
    X x;
    std::memcpy(x.v, p, 4);
    return x;
  }

  /// Σ over steps of codes · x in each lane, plus `start`.
  template <Width W>
  struct Dot {
    I sum;
    HANDMILL_INLINE void begin(int start) {
      for (int& lane : sum.v) lane = start;
    }
    HANDMILL_INLINE void step(B codes, X x) {
      for (int i = 0; i < 16; ++i)
        for (int k = 0; k < 4; ++k) sum.v[i] += codes.v[4 * i + k] * x.v[k];
    }
    HANDMILL_INLINE I end(int) const { return sum; }
  };
  using HeldDot = Dot<Width::kWide>;

 private:
  static uint16_t half(const uint8_t* p, int i) {
    uint16_t h;
    std::memcpy(&h, p + 2 * i, 2);
    return h;
  }
};
