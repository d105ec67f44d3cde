// Q8_0: decode and encode; the layout is in q8_0.h.
#include "tensor/q8_0.h"

#include <algorithm>
#include <cmath>

#include "tensor/bits.h"
#include "tensor/half.h"
#include "tensor/round32.h"

namespace handmill::tensor {

void decode_q8_0(const uint8_t* block, Block& out) {
  const auto b = load<BlockQ8_0>(block);
  set_single_scale(half_to_float(b.d), out);
  for (int c = 0; c < 32; ++c) out.codes[c] = static_cast<uint8_t>(b.qs[c] + 128);
}

void encode_q8_0(const float* values, uint8_t* block) {
  float largest = 0;
  for (int c = 0; c < 32; ++c) largest = std::max(largest, std::fabs(values[c]));
  const float d = largest / 127.0f;
  const float inverse = inverse_scale(d);
  BlockQ8_0 b;
  b.d = float_to_half(d);
  for (int c = 0; c < 32; ++c) {
    b.qs[c] = static_cast<int8_t>(to_code(std::round(values[c] * inverse), -127, 127));
  }
  store_block(b, block);
}

}  // namespace handmill::tensor
