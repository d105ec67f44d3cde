// The vocabulary in AVX2, FMA and F16C: a vector is two registers, lanes 0..7 and 8..15.
// HANDMILL_AVXVNNI chooses the byte products: dpbusd where the machine has it, otherwise maddubs,
// whose 16-bit pair sums must not saturate.
struct Vec {
  static constexpr int kPanels = 1;
  static constexpr int kTokens = 3;
  static constexpr int kQueries = 4;
  static constexpr int kScorePanels = 1;
  static constexpr int kCodePanels = 1;
  static constexpr int kValueVectors = 1;
  // Chains of a roof: as many as the registers hold. Only dpbusd waits for its own sum, and with
  // more of them GCC 12 keeps sums in memory (2 threads of Zen 5: 450 GOP/s with 12, 911 with 4).
#ifdef HANDMILL_AVXVNNI
  static constexpr int kDotChains = 4;
#else
  static constexpr int kDotChains = 12;
#endif
  static constexpr int kFmaChains = 6;

  struct F {
    __m256 a, b;
  };
  struct I {
    __m256i a, b;
  };
  struct B {
    __m256i a, b;
  };
  using X = __m256i;

  static HANDMILL_INLINE F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static HANDMILL_INLINE F set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static HANDMILL_INLINE F load(const float* p) {
    return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
  }
  static HANDMILL_INLINE void store(float* p, F x) {
    _mm256_storeu_ps(p, x.a), _mm256_storeu_ps(p + 8, x.b);
  }
  static HANDMILL_INLINE F add(F x, F y) {
    return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
  }
  static HANDMILL_INLINE F sub(F x, F y) {
    return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
  }
  static HANDMILL_INLINE F mul(F x, F y) {
    return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
  }
  static HANDMILL_INLINE F div(F x, F y) {
    return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)};
  }
  static HANDMILL_INLINE F fma(F x, F y, F z) {
    return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
  }
  static HANDMILL_INLINE F fnma(F x, F y, F z) {
    return {_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)};
  }
  static HANDMILL_INLINE F max(F x, F y) {
    return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
  }
  static HANDMILL_INLINE F min(F x, F y) {
    return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)};
  }
  static HANDMILL_INLINE F abs(F x) {
    const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    return {_mm256_and_ps(x.a, mask), _mm256_and_ps(x.b, mask)};
  }
  static HANDMILL_INLINE F round(F x) {
    return {_mm256_round_ps(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
            _mm256_round_ps(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static HANDMILL_INLINE F keep_from(F x, float bound, F y) {
    const __m256 from = _mm256_set1_ps(bound);
    return {_mm256_and_ps(_mm256_cmp_ps(x.a, from, _CMP_GE_OQ), y.a),
            _mm256_and_ps(_mm256_cmp_ps(x.b, from, _CMP_GE_OQ), y.b)};
  }
  static HANDMILL_INLINE F power2(F n) {
    const __m256i bias = _mm256_set1_epi32(127);
    return {
        _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n.a), bias), 23)),
        _mm256_castsi256_ps(
            _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n.b), bias), 23))};
  }
  static HANDMILL_INLINE __m128i load16(const uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static HANDMILL_INLINE __m128i load8(const uint8_t* p) {
    return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  }
  static HANDMILL_INLINE F load_half(const uint8_t* p) {
    return {_mm256_cvtph_ps(load16(p)), _mm256_cvtph_ps(load16(p + 16))};
  }
  static HANDMILL_INLINE F load_bfloat(const uint8_t* p) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(p)), 16)),
            _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(p + 16)), 16))};
  }
  static HANDMILL_INLINE void store_half(uint8_t* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 16),
                     _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
  }
  static HANDMILL_INLINE F load_i8(const uint8_t* p) {
    return to_float({_mm256_cvtepi8_epi32(load8(p)), _mm256_cvtepi8_epi32(load8(p + 8))});
  }
  static HANDMILL_INLINE F load_u8(const uint8_t* p) {
    return to_float({_mm256_cvtepu8_epi32(load8(p)), _mm256_cvtepu8_epi32(load8(p + 8))});
  }
  static HANDMILL_INLINE F to_float(I x) {
    return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)};
  }
  static HANDMILL_INLINE void store_i8(int8_t* p, F x) {
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b));
    const __m256i order = _mm256_permute4x64_epi64(words, 0xd8);
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(order), _mm256_extracti128_si256(order, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  }

  static HANDMILL_INLINE float reduce_add(F x) {
    const __m256 r8 = _mm256_add_ps(x.a, x.b);
    __m128 r = _mm_add_ps(_mm256_castps256_ps128(r8), _mm256_extractf128_ps(r8, 1));
    r = _mm_add_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_add_ss(r, _mm_movehdup_ps(r)));
  }
  static HANDMILL_INLINE float reduce_max(F x) {
    const __m256 r8 = _mm256_max_ps(x.a, x.b);
    __m128 r = _mm_max_ps(_mm256_castps256_ps128(r8), _mm256_extractf128_ps(r8, 1));
    r = _mm_max_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_max_ss(r, _mm_movehdup_ps(r)));
  }

  static HANDMILL_INLINE __m256i load32(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static HANDMILL_INLINE B load_bytes(const uint8_t* p) { return {load32(p), load32(p + 32)}; }
  static HANDMILL_INLINE void store_bytes(uint8_t* p, B x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.a);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), x.b);
  }
  static HANDMILL_INLINE B or_bytes(B x, B y) {
    return {_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)};
  }
  template <int S>
  static HANDMILL_INLINE B shift_and(B x, unsigned mask) {
    const __m256i m = _mm256_set1_epi8(static_cast<char>(mask));
    if constexpr (S == 0) return {_mm256_and_si256(x.a, m), _mm256_and_si256(x.b, m)};
    if constexpr (S > 0)
      return {_mm256_and_si256(_mm256_srli_epi16(x.a, S), m),
              _mm256_and_si256(_mm256_srli_epi16(x.b, S), m)};
    constexpr int kLeft = S < 0 ? -S : 0;
    return {_mm256_and_si256(_mm256_slli_epi16(x.a, kLeft), m),
            _mm256_and_si256(_mm256_slli_epi16(x.b, kLeft), m)};
  }
  using Table = __m256i;
  static HANDMILL_INLINE Table load_table(const uint8_t* p) {
    return _mm256_broadcastsi128_si256(load16(p));
  }
  static HANDMILL_INLINE B look_up(Table table, B x) {
    return {_mm256_shuffle_epi8(table, x.a), _mm256_shuffle_epi8(table, x.b)};
  }

  /// Makes the compiler take x for changed.
  static HANDMILL_INLINE void forget(X& x) { asm volatile("" : "+x"(x)); }
  static HANDMILL_INLINE X broadcast(const int8_t* p) {
    int32_t four;
    std::memcpy(&four, p, 4);
    return _mm256_set1_epi32(four);
  }

#ifdef HANDMILL_AVXVNNI
  template <Width W>
  struct Dot {
    I sum;
    HANDMILL_INLINE void begin(int start) { sum.a = sum.b = _mm256_set1_epi32(start); }
    HANDMILL_INLINE void step(B codes, X x) {
      sum.a = _mm256_dpbusd_avx_epi32(sum.a, codes.a, x);
      sum.b = _mm256_dpbusd_avx_epi32(sum.b, codes.b, x);
    }
    HANDMILL_INLINE I end(int) const { return sum; }
  };
#else
  /// Codes up to 15: eight pair sums of at most 15 · 127 · 2 stay in 16 bits, so a group is widened
  /// once. Codes up to 127: one pair sum does. Codes up to 255 (value + 128): |value| · sign(value)
  /// x, and no start.
  template <Width W>
  struct Dot {
    I sum;
    HANDMILL_INLINE void begin(int start) {
      const __m256i s = _mm256_set1_epi32(W == Width::kNarrow ? start : 0);
      sum.a = sum.b = s;
    }
    HANDMILL_INLINE void step(B codes, X x) {
      if constexpr (W == Width::kNibble) {
        sum.a = _mm256_add_epi16(sum.a, _mm256_maddubs_epi16(codes.a, x));
        sum.b = _mm256_add_epi16(sum.b, _mm256_maddubs_epi16(codes.b, x));
      } else if constexpr (W == Width::kNarrow) {
        sum.a = _mm256_add_epi32(sum.a, widen(_mm256_maddubs_epi16(codes.a, x)));
        sum.b = _mm256_add_epi32(sum.b, widen(_mm256_maddubs_epi16(codes.b, x)));
      } else {
        sum.a = _mm256_add_epi32(sum.a, widen(signed_products(codes.a, x)));
        sum.b = _mm256_add_epi32(sum.b, widen(signed_products(codes.b, x)));
      }
    }
    HANDMILL_INLINE I end(int start) const {
      if constexpr (W != Width::kNibble) return sum;
      const __m256i s = _mm256_set1_epi32(start);
      return {_mm256_add_epi32(widen(sum.a), s), _mm256_add_epi32(widen(sum.b), s)};
    }

   private:
    static HANDMILL_INLINE __m256i widen(__m256i pairs) {
      return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    }
    static HANDMILL_INLINE __m256i signed_products(__m256i codes, __m256i x) {
      const __m256i value = _mm256_xor_si256(codes, _mm256_set1_epi8(static_cast<char>(0x80)));
      return _mm256_maddubs_epi16(_mm256_abs_epi8(value), _mm256_sign_epi8(x, value));
    }
  };
#endif
  using HeldDot = Dot<Width::kWide>;
};
