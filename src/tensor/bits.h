// What the block layouts share: a block's bytes, and the orders in which they pack codes of less
// than a byte. Serves the format files of this room alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/load.h"

namespace handmill::tensor {

using base::load;

template <class T>
void store_block(const T& block, uint8_t* bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(bytes, &block, sizeof block);
}

/// codes[0..n) = the low nibbles of packed[0..n), codes[n..2n) = the high ones.
inline void split_nibbles(const uint8_t* packed, int n, uint8_t* codes) {
  for (int i = 0; i < n; ++i) {
    codes[i] = packed[i] & 15;
    codes[n + i] = packed[i] >> 4;
  }
}

/// The inverse; bits above the fourth of each code are dropped.
inline void join_nibbles(const uint8_t* codes, int n, uint8_t* packed) {
  for (int i = 0; i < n; ++i) {
    packed[i] = static_cast<uint8_t>((codes[i] & 15) | ((codes[n + i] & 15) << 4));
  }
}

/// codes[0..256) from 2-bit planes: per 128 columns 32 bytes, of which bits 2k, 2k+1 of byte j are
/// column 32k + j.
inline void split_two_bits(const uint8_t (&packed)[64], uint8_t* codes) {
  // Loops of one shift each, which become vector instructions: this is a third of packing q6_k.
  for (int half = 0; half < 2; ++half)
    for (int plane = 0; plane < 4; ++plane)
      for (int j = 0; j < 32; ++j)
        codes[128 * half + 32 * plane + j] = packed[32 * half + j] >> (2 * plane) & 3;
}

/// codes[c] gets bit `to` from bit k of packed[j], c = 32k + j, for 256 columns.
inline void add_bits(const uint8_t (&packed)[32], int to, uint8_t* codes) {
  for (int plane = 0; plane < 8; ++plane)
    for (int j = 0; j < 32; ++j)
      codes[32 * plane + j] =
          static_cast<uint8_t>(codes[32 * plane + j] | (packed[j] >> plane & 1) << to);
}

/// codes[i] gets bit 4 from bit i of a little-endian 32-bit word: the fifth bits of q5_0 and q5_1.
inline void add_fifth_bits(const uint8_t (&high)[4], uint8_t* codes) {
  for (int i = 0; i < 32; ++i) {
    codes[i] = static_cast<uint8_t>(codes[i] | ((high[i / 8] >> (i % 8) & 1) << 4));
  }
}

inline void take_fifth_bits(const uint8_t* codes, uint8_t (&high)[4]) {
  std::memset(high, 0, sizeof high);
  for (int i = 0; i < 32; ++i) {
    high[i / 8] = static_cast<uint8_t>(high[i / 8] | ((codes[i] >> 4 & 1) << (i % 8)));
  }
}

}  // namespace handmill::tensor
