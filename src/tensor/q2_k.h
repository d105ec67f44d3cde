// Q2_K: 256 columns, 16 groups of 16, 2 bits, 4-bit scales and mins. 84 bytes:
//   0   scales  byte g: the scale of group g in its low nibble, the min in its high one
//   16  qs      per 128 columns 32 bytes: bits 2k, 2k+1 of byte j are column 32k + j of them
//   80  d       f16
//   82  dmin    f16
// w = (d · scale) · code − (dmin · min).
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockQ2_K {
  uint8_t scales[16];
  uint8_t qs[64];
  uint16_t d;
  uint16_t dmin;
};
static_assert(sizeof(BlockQ2_K) == 84);

void decode_q2_k(const uint8_t* block, Block& out);

}  // namespace handmill::tensor
