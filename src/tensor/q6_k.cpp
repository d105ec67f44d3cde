// Q6_K: decode; the layout is in q6_k.h.
#include "tensor/q6_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_q6_k(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ6_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = 0;
  for (int g = 0; g < 16; ++g) {
    out.scales[g] = b.scales[g];
    out.mins[g] = 0;
  }
  for (int half = 0; half < 2; ++half) split_nibbles(b.ql + 64 * half, 64, out.codes + 128 * half);
  uint8_t high[256];
  split_two_bits(b.qh, high);
  for (int c = 0; c < 256; ++c) out.codes[c] = static_cast<uint8_t>(out.codes[c] | high[c] << 4);
}

}  // namespace handmill::tensor
