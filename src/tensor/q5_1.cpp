// Q5_1: decode and encode; the layout is in q5_1.h.
#include "tensor/q5_1.h"

#include "tensor/bits.h"
#include "tensor/half.h"
#include "tensor/round32.h"

namespace handmill::tensor {

void decode_q5_1(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ5_1>(block);
  set_scale_and_offset(half_to_float(b.d), half_to_float(b.m), out);
  split_nibbles(b.qs, 16, out.codes);
  add_fifth_bits(b.qh, out.codes);
}

void encode_q5_1(const float* values, uint8_t* block) {
  uint8_t codes[32];
  const auto [d, m] = encode_affine(values, 31, codes);
  BlockQ5_1 b;
  b.d = float_to_half(d);
  b.m = float_to_half(m);
  take_fifth_bits(codes, b.qh);
  join_nibbles(codes, 16, b.qs);
  store_block(b, block);
}

}  // namespace handmill::tensor
