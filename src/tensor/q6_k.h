// Q6_K: 256 columns, 16 groups of 16, 6 bits, 8-bit signed scales. 210 bytes:
//   0    ql      per 128 columns 64 bytes: byte j holds the low four bits of column j in its low
//                nibble and of column j + 64 in its high one
//   128  qh      per 128 columns 32 bytes: bits 2k, 2k+1 of byte j are the high two bits of
//                column 32k + j
//   192  scales  int8, group g in byte g
//   208  d       f16
// w = (d · scale) · (code − 32).
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockQ6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
};
static_assert(sizeof(BlockQ6_K) == 210);

void decode_q6_k(const uint8_t* block, Block& out);

}  // namespace handmill::tensor
