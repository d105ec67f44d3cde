// IQ4_NL: decode; the layout is in iq4_nl.h.
#include "tensor/iq4_nl.h"

#include "tensor/bits.h"
#include "tensor/half.h"
#include "tensor/round32.h"

namespace handmill::tensor {

void decode_iq4_nl(const uint8_t* block, Block& out) {
  const auto b = load<BlockIQ4_NL>(block);
  set_single_scale(half_to_float(b.d), out);
  split_nibbles(b.qs, 16, out.codes);
}

}  // namespace handmill::tensor
