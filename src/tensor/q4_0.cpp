// Q4_0: decode and encode; the layout is in q4_0.h.
#include "tensor/q4_0.h"

#include "tensor/bits.h"
#include "tensor/half.h"
#include "tensor/round32.h"

namespace handmill::tensor {

void decode_q4_0(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ4_0>(block);
  set_single_scale(half_to_float(b.d), out);
  split_nibbles(b.qs, 16, out.codes);
}

void encode_q4_0(const float* values, uint8_t* block) {
  uint8_t codes[32];
  BlockQ4_0 b;
  b.d = float_to_half(encode_symmetric(values, 8, codes));
  join_nibbles(codes, 16, b.qs);
  store_block(b, block);
}

}  // namespace handmill::tensor
