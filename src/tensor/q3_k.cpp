// Q3_K: decode; the layout is in q3_k.h.
#include "tensor/q3_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_q3_k(const uint8_t* block, Block& out) {
  const auto b = load_block<BlockQ3_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = 0;
  for (int g = 0; g < 16; ++g) {
    const int low = b.scales[g % 8] >> (4 * (g / 8)) & 15;
    const int high = b.scales[8 + g % 4] >> (2 * (g / 4)) & 3;
    out.scales[g] = static_cast<int8_t>((low | high << 4) - 32);
    out.mins[g] = 0;
  }
  for (int c = 0; c < 256; ++c) {
    const int half = c / 128, plane = c / 32 % 4, j = c % 32;
    const int low = b.qs[32 * half + j] >> (2 * plane) & 3;
    const int high = b.hmask[j] >> (c / 32) & 1;
    out.codes[c] = static_cast<uint8_t>(low | high << 2);
  }
}

}  // namespace handmill::tensor
