// Q4_1: decode and encode; the layout is in q4_1.h.
#include "tensor/q4_1.h"

#include "tensor/bits.h"
#include "tensor/half.h"
#include "tensor/round32.h"

namespace handmill::tensor {

void decode_q4_1(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ4_1>(block);
  set_scale_and_offset(half_to_float(b.d), half_to_float(b.m), out);
  split_nibbles(b.qs, 16, out.codes);
}

void encode_q4_1(const float* values, uint8_t* block) {
  uint8_t codes[32];
  const auto [d, m] = encode_affine(values, 15, codes);
  BlockQ4_1 b;
  b.d = float_to_half(d);
  b.m = float_to_half(m);
  join_nibbles(codes, 16, b.qs);
  store_block(b, block);
}

}  // namespace handmill::tensor
