// Q5_0: 32 columns, 5 bits, one scale. 22 bytes:
//   0   d   f16
//   2   qh  little-endian word: bit c is the fifth bit of column c
//   6   qs  byte j holds column j in its low nibble and column j + 16 in its high one
// w = d · (code − 16).
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockQ5_0 {
  uint16_t d;
  uint8_t qh[4];
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

void decode_q5_0(const uint8_t* block, Block& out);
void encode_q5_0(const float* values, uint8_t* block);

}  // namespace handmill::tensor
