// Q5_0: decode and encode; the layout is in q5_0.h.
#include "tensor/q5_0.h"

#include "tensor/bits.h"
#include "tensor/half.h"
#include "tensor/round32.h"

namespace handmill::tensor {

void decode_q5_0(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ5_0>(block);
  set_single_scale(half_to_float(b.d), out);
  split_nibbles(b.qs, 16, out.codes);
  add_fifth_bits(b.qh, out.codes);
}

void encode_q5_0(const float* values, uint8_t* block) {
  uint8_t codes[32];
  BlockQ5_0 b;
  b.d = float_to_half(encode_symmetric(values, 16, codes));
  take_fifth_bits(codes, b.qh);
  join_nibbles(codes, 16, b.qs);
  store_block(b, block);
}

}  // namespace handmill::tensor
