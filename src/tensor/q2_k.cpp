// Q2_K: decode; the layout is in q2_k.h.
#include "tensor/q2_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_q2_k(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ2_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = half_to_float(b.dmin);
  for (int g = 0; g < 16; ++g) {
    out.scales[g] = static_cast<int8_t>(b.scales[g] & 15);
    out.mins[g] = b.scales[g] >> 4;
  }
  split_two_bits(b.qs, out.codes);
}

}  // namespace handmill::tensor
