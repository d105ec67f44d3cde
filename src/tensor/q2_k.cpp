// Q2_K: decode; the layout is in q2_k.h.
#include "tensor/q2_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_q2_k(const uint8_t* block, Block& out) {
  const auto b = load_block<BlockQ2_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = half_to_float(b.dmin);
  for (int g = 0; g < 16; ++g) {
    out.scales[g] = static_cast<int8_t>(b.scales[g] & 15);
    out.mins[g] = b.scales[g] >> 4;
  }
  for (int c = 0; c < 256; ++c) {
    const int half = c / 128, plane = c / 32 % 4, j = c % 32;
    out.codes[c] = b.qs[32 * half + j] >> (2 * plane) & 3;
  }
}

}  // namespace handmill::tensor
