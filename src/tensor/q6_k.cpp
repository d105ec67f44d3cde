// Q6_K: decode; the layout is in q6_k.h.
#include "tensor/q6_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_q6_k(const uint8_t* block, Block& out) {
  const auto b = load_block<BlockQ6_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = 0;
  for (int g = 0; g < 16; ++g) {
    out.scales[g] = b.scales[g];
    out.mins[g] = 0;
  }
  for (int half = 0; half < 2; ++half) {
    uint8_t* codes = out.codes + 128 * half;
    split_nibbles(b.ql + 64 * half, 64, codes);
    for (int c = 0; c < 128; ++c) {
      const int high = b.qh[32 * half + c % 32] >> (2 * (c / 32)) & 3;
      codes[c] = static_cast<uint8_t>(codes[c] | high << 4);
    }
  }
}

}  // namespace handmill::tensor
