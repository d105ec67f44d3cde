// Q5_K: decode; the layout is in q5_k.h.
#include "tensor/q5_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_q5_k(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ5_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = half_to_float(b.dmin);
  unpack_k_scales(b.scales, out);
  for (int i = 0; i < 4; ++i) split_nibbles(b.qs + 32 * i, 32, out.codes + 64 * i);
  add_bits(b.qh, 4, out.codes);
}

}  // namespace handmill::tensor
