// Q4_0: 32 columns, 4 bits, one scale. 18 bytes:
//   0   d   f16
//   2   qs  byte j holds column j in its low nibble and column j + 16 in its high one
// w = d · (code − 8).
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockQ4_0 {
  uint16_t d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

void decode_q4_0(const uint8_t* block, Block& out);
void encode_q4_0(const float* values, uint8_t* block);

}  // namespace handmill::tensor
