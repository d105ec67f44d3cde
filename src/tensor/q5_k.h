// Q5_K: 256 columns, 8 groups of 32, 5 bits, 6-bit scales and mins. 176 bytes:
//   0   d       f16
//   2   dmin    f16
//   4   scales  12 bytes, as in q4_k.h
//   16  qh      bit k of byte j is the fifth bit of column 32k + j
//   48  qs      per 64 columns 32 bytes: byte j holds column j in its low nibble and column
//               j + 32 in its high one
// w = (d · scale) · code − (dmin · min).
#pragma once

#include <cstdint>

#include "tensor/format.h"
#include "tensor/q4_k.h"

namespace handmill::tensor {

struct BlockQ5_K {
  uint16_t d;
  uint16_t dmin;
  KScales scales;
  uint8_t qh[32];
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

void decode_q5_k(const uint8_t* block, Block& out);

}  // namespace handmill::tensor
