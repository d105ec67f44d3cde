// Q8_0: 32 columns, 8 bits, one scale. 34 bytes:
//   0   d   f16
//   2   qs  int8, column c in byte c
// w = d · q. As a Block: code = q + 128, so that −128 has a code too.
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockQ8_0 {
  uint16_t d;
  int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

void decode_q8_0(const uint8_t* block, Block& out);
void encode_q8_0(const float* values, uint8_t* block);

}  // namespace handmill::tensor
