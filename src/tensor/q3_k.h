// Q3_K: 256 columns, 16 groups of 16, 3 bits, 6-bit signed scales. 110 bytes:
//   0    hmask   bit k of byte j is the third bit of column 32k + j
//   32   qs      per 128 columns 32 bytes: bits 2k, 2k+1 of byte j are column 32k + j of them
//   96   scales  bytes 0–7: the low nibbles of groups 0–7, and above them of groups 8–15;
//                bytes 8–11: bits 2k, 2k+1 of byte i are the high two bits of group 4k + i
//   108  d       f16
// w = (d · (scale − 32)) · (code − 4).
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockQ3_K {
  uint8_t hmask[32];
  uint8_t qs[64];
  uint8_t scales[12];
  uint16_t d;
};
static_assert(sizeof(BlockQ3_K) == 110);

void decode_q3_k(const uint8_t* block, Block& out);

}  // namespace handmill::tensor
