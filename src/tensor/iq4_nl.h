// IQ4_NL: 32 columns, 4 bits through a table, one scale. 18 bytes:
//   0   d   f16
//   2   qs  byte j holds column j in its low nibble and column j + 16 in its high one
// w = d · kIq4Values[code]: the table is denser around zero, where weights are.
#pragma once

#include <cstdint>

#include "tensor/format.h"

namespace handmill::tensor {

inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

struct BlockIQ4_NL {
  uint16_t d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockIQ4_NL) == 18);

void decode_iq4_nl(const uint8_t* block, Block& out);

}  // namespace handmill::tensor
