// The vocabulary in AVX-512 with VNNI: a register is a vector.
struct Vec {
  static constexpr int kPanels = 2;
  static constexpr int kTokens = 6;
  static constexpr int kQueries = 6;
  static constexpr int kScorePanels = 4;
  static constexpr int kCodePanels = 2;
  static constexpr int kValueVectors = 4;
  // Chains of a roof: as many as the registers hold.
  static constexpr int kDotChains = 12;
  static constexpr int kFmaChains = 12;

  using F = __m512;
  using I = __m512i;
  using B = __m512i;
  using X = __m512i;

  static HANDMILL_INLINE F zero() { return _mm512_setzero_ps(); }
  static HANDMILL_INLINE F set1(float x) { return _mm512_set1_ps(x); }
  static HANDMILL_INLINE F load(const float* p) { return _mm512_loadu_ps(p); }
  static HANDMILL_INLINE void store(float* p, F a) { _mm512_storeu_ps(p, a); }
  static HANDMILL_INLINE F add(F a, F b) { return _mm512_add_ps(a, b); }
  static HANDMILL_INLINE F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static HANDMILL_INLINE F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static HANDMILL_INLINE F div(F a, F b) { return _mm512_div_ps(a, b); }
  static HANDMILL_INLINE F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static HANDMILL_INLINE F fnma(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }
  static HANDMILL_INLINE F max(F a, F b) { return _mm512_max_ps(a, b); }
  static HANDMILL_INLINE F min(F a, F b) { return _mm512_min_ps(a, b); }
  static HANDMILL_INLINE F abs(F a) { return _mm512_abs_ps(a); }
  static HANDMILL_INLINE F round(F a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static HANDMILL_INLINE F keep_from(F x, float bound, F a) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, set1(bound), _CMP_GE_OQ), a);
  }
  static HANDMILL_INLINE F power2(F n) {
    const I e = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(e, 23));
  }
  static HANDMILL_INLINE F load_half(const uint8_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static HANDMILL_INLINE F load_bfloat(const uint8_t* p) {
    const I wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  static HANDMILL_INLINE void store_half(uint8_t* p, F a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
  }
  static HANDMILL_INLINE F load_i8(const uint8_t* p) {
    return to_float(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static HANDMILL_INLINE F load_u8(const uint8_t* p) {
    return to_float(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static HANDMILL_INLINE F to_float(I a) { return _mm512_cvtepi32_ps(a); }
  static HANDMILL_INLINE void store_i8(int8_t* p, F a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
  }

  static HANDMILL_INLINE float reduce_add(F a) {
    const __m256 high = _mm512_extractf32x8_ps(a, 1);
    const __m256 r8 = _mm256_add_ps(_mm512_castps512_ps256(a), high);
    __m128 r = _mm_add_ps(_mm256_castps256_ps128(r8), _mm256_extractf128_ps(r8, 1));
    r = _mm_add_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_add_ss(r, _mm_movehdup_ps(r)));
  }
  static HANDMILL_INLINE float reduce_max(F a) {
    const __m256 high = _mm512_extractf32x8_ps(a, 1);
    const __m256 r8 = _mm256_max_ps(_mm512_castps512_ps256(a), high);
    __m128 r = _mm_max_ps(_mm256_castps256_ps128(r8), _mm256_extractf128_ps(r8, 1));
    r = _mm_max_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_max_ss(r, _mm_movehdup_ps(r)));
  }

  static HANDMILL_INLINE B load_bytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static HANDMILL_INLINE void store_bytes(uint8_t* p, B a) { _mm512_storeu_si512(p, a); }
  static HANDMILL_INLINE B or_bytes(B a, B b) { return _mm512_or_si512(a, b); }
  template <int S>
  static HANDMILL_INLINE B shift_and(B a, unsigned mask) {
    const B m = _mm512_set1_epi8(static_cast<char>(mask));
    if constexpr (S == 0) return _mm512_and_si512(a, m);
    if constexpr (S > 0) return _mm512_and_si512(_mm512_srli_epi16(a, S), m);
    return _mm512_and_si512(_mm512_slli_epi16(a, S < 0 ? -S : 0), m);
  }
  using Table = B;
  static HANDMILL_INLINE Table load_table(const uint8_t* p) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static HANDMILL_INLINE B look_up(Table table, B a) { return _mm512_shuffle_epi8(table, a); }

  /// Makes the compiler take x for changed.
  static HANDMILL_INLINE void forget(X& x) { asm volatile("" : "+v"(x)); }
  static HANDMILL_INLINE X broadcast(const int8_t* p) {
    int32_t four;
    std::memcpy(&four, p, 4);
    return _mm512_set1_epi32(four);
  }

  template <Width W>
  struct Dot {
    I sum;
    HANDMILL_INLINE void begin(int start) { sum = _mm512_set1_epi32(start); }
    HANDMILL_INLINE void step(B codes, X x) { sum = _mm512_dpbusd_epi32(sum, codes, x); }
    HANDMILL_INLINE I end(int) const { return sum; }
  };
  /// The same where many are held at once: with the intrinsic g++ 12 copies each sum at every step,
  /// and spills some.
  struct HeldDot : Dot<Width::kWide> {
    HANDMILL_INLINE void step(B codes, X x) {
      asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(x));
    }
  };
};
