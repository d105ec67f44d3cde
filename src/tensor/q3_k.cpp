// Q3_K: decode; the layout is in q3_k.h.
#include "tensor/q3_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_q3_k(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ3_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = 0;
  for (int g = 0; g < 16; ++g) {
    const int low = b.scales[g % 8] >> (4 * (g / 8)) & 15;
    const int high = b.scales[8 + g % 4] >> (2 * (g / 4)) & 3;
    out.scales[g] = static_cast<int8_t>((low | high << 4) - 32);
    out.mins[g] = 0;
  }
  split_two_bits(b.qs, out.codes);
  add_bits(b.hmask, 2, out.codes);
}

}  // namespace handmill::tensor
