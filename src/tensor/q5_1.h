// Q5_1: 32 columns, 5 bits, a scale and an offset. 24 bytes:
//   0   d   f16
//   2   m   f16
//   4   qh  little-endian word: bit c is the fifth bit of column c
//   8   qs  byte j holds column j in its low nibble and column j + 16 in its high one
// w = d · code + m. As a Block: mins[0] = 1 and dmin = −m, which subtracts to the same bits.
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockQ5_1 {
  uint16_t d;
  uint16_t m;
  uint8_t qh[4];
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

void decode_q5_1(const uint8_t* block, Block& out);
void encode_q5_1(const float* values, uint8_t* block);

}  // namespace handmill::tensor
