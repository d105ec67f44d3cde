// Q4_1: 32 columns, 4 bits, a scale and an offset. 20 bytes:
//   0   d   f16
//   2   m   f16
//   4   qs  byte j holds column j in its low nibble and column j + 16 in its high one
// w = d · code + m. As a Block: mins[0] = 1 and dmin = −m, which subtracts to the same bits.
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockQ4_1 {
  uint16_t d;
  uint16_t m;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

void decode_q4_1(const uint8_t* block, Block& out);
void encode_q4_1(const float* values, uint8_t* block);

}  // namespace handmill::tensor
