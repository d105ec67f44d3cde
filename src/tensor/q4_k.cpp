// Q4_K: decode, and the packed scales that q5_k shares; the layouts are in q4_k.h.
#include "tensor/q4_k.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void unpack_k_scales(const KScales& packed, Block& out) {
  for (int i = 0; i < 4; ++i) {
    const int first = packed[i], second = packed[4 + i], third = packed[8 + i];
    out.scales[i] = static_cast<int8_t>(first & 63);
    out.mins[i] = static_cast<uint8_t>(second & 63);
    out.scales[4 + i] = static_cast<int8_t>((third & 15) | (first >> 6 << 4));
    out.mins[4 + i] = static_cast<uint8_t>((third >> 4) | (second >> 6 << 4));
  }
}

void decode_q4_k(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ4_K>(block);
  out.d = half_to_float(b.d);
  out.dmin = half_to_float(b.dmin);
  unpack_k_scales(b.scales, out);
  for (int i = 0; i < 4; ++i) split_nibbles(b.qs + 32 * i, 32, out.codes + 64 * i);
}

}  // namespace handmill::tensor
