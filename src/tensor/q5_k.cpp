// Q5_K: decode; the layout is in q5_k.h.
#include "tensor/q5_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_q5_k(const uint8_t* block, Block& out) {
  const auto b = load_block<BlockQ5_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = half_to_float(b.dmin);
  unpack_k_scales(b.scales, out);
  for (int i = 0; i < 4; ++i) split_nibbles(b.qs + 32 * i, 32, out.codes + 64 * i);
  for (int c = 0; c < 256; ++c) {
    const int high = b.qh[c % 32] >> (c / 32) & 1;
    out.codes[c] = static_cast<uint8_t>(out.codes[c] | high << 4);
  }
}

}  // namespace handmill::tensor
