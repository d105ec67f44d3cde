// Q4_K: 256 columns, 8 groups of 32, 4 bits, 6-bit scales and mins. 144 bytes:
//   0   d       f16
//   2   dmin    f16
//   4   scales  12 bytes, packed as KScales says
//   16  qs      per 64 columns 32 bytes: byte j holds column j in its low nibble and column
//               j + 32 in its high one
// w = (d · scale) · code − (dmin · min).
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

/// Eight 6-bit scales and eight 6-bit mins, shared by q4_k and q5_k:
///   byte i      (i < 4)  bits 0–5: scale i      bits 6–7: high two bits of scale i + 4
///   byte 4 + i           bits 0–5: min i        bits 6–7: high two bits of min i + 4
///   byte 8 + i           low nibble: low bits of scale i + 4, high nibble: of min i + 4
using KScales = uint8_t[12];

struct BlockQ4_K {
  uint16_t d;
  uint16_t dmin;
  KScales scales;
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ4_K) == 144);

void unpack_k_scales(const KScales& packed, Block& out);
void decode_q4_k(const uint8_t* block, Block& out);

}  // namespace handmill::tensor
