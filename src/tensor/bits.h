// What the block layouts share: loading a block from unaligned bytes, and the two nibble orders
// that the 32-column and the 256-column formats use. Serves the format files of this room alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace handmill::tensor {

/// A block as its struct; file bytes have no alignment.
template <class T>
T load_block(const uint8_t* bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  T block;
  std::memcpy(&block, bytes, sizeof block);
  return block;
}

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
