// The random numbers of the samplers: xoshiro256** by Blackman and Vigna (prng.di.unimi.it), its
// state filled by SplitMix64 as they advise. Whole numbers only, so the same seed gives the same
// draws on every machine; the standard library's distributions do not promise that.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>

namespace handmill::sample {

/// SplitMix64: advances `state` and returns the next number.
constexpr uint64_t split_mix(uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

class Random {
 public:
  explicit constexpr Random(uint64_t seed) {
    for (uint64_t& word : state_) word = split_mix(seed);
  }
  /// From a raw state, which must not be all zeros.
  explicit constexpr Random(const std::array<uint64_t, 4>& state) : state_(state) {}

  constexpr uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound), without bias: numbers of just enough bits are drawn until one fits.
  /// REQUIRES bound > 0.
  constexpr uint64_t below(uint64_t bound) {
    assert(bound > 0);
    const int spare_bits = std::countl_zero((bound - 1) | 1);
    uint64_t number = next() >> spare_bits;
    while (number >= bound) number = next() >> spare_bits;
    return number;
  }

 private:
  std::array<uint64_t, 4> state_{};
};

}  // namespace handmill::sample
