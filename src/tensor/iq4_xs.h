// IQ4_XS: 256 columns, 8 groups of 32, 4 bits through IQ4_NL's table, 6-bit signed scales, in 136
// bytes:
//   0   d         f16
//   2   scales_h  little-endian: bits 2g, 2g+1 are the high two bits of group g
//   4   scales_l  byte i: the low four bits of group 2i in its low nibble and of group 2i + 1 in
//                 its high one
//   8   qs        per 32 columns 16 bytes: byte j holds column j in its low nibble and column
//                 j + 16 in its high one
// w = (d · (scale − 32)) · kIq4Values[code].
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

struct BlockIQ4_XS {
  uint16_t d;
  uint16_t scales_h;
  uint8_t scales_l[4];
  uint8_t qs[128];
};
static_assert(sizeof(BlockIQ4_XS) == 136);

void decode_iq4_xs(const uint8_t* block, Block& out);

}  // namespace handmill::tensor
