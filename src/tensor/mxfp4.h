// MXFP4 (OCP microscaling, e2m1 elements with an e8m0 scale): 32 columns, 4 bits. 17 bytes:
//   0   e   exponent byte; d = 2^(e − 128), half of the scale that OCP defines, because the table
//           holds doubled values
//   1   qs  byte j holds column j in its low nibble and column j + 16 in its high one
// w = d · kMxfp4Values[code]. e = 255 is NaN to OCP; the reference reads it as 2^127, and so do we.
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

inline constexpr int8_t kMxfp4Values[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                            0, -1, -2, -3, -4, -6, -8, -12};

struct BlockMXFP4 {
  uint8_t e;
  uint8_t qs[16];
};
static_assert(sizeof(BlockMXFP4) == 17);

void decode_mxfp4(const uint8_t* block, Block& out);

}  // namespace handmill::tensor
