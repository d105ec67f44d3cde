// IQ4_XS: decode; the layout is in iq4_xs.h.
#include "tensor/iq4_xs.h"

#include "tensor/bits.h"
#include "tensor/half.h"

namespace handmill::tensor {

void decode_iq4_xs(const uint8_t* block, Block& out) {
  const auto b = load<BlockIQ4_XS>(block);
  out.d = half_to_float(b.d);
  out.dmin = 0;
  for (int g = 0; g < 8; ++g) {
    const int low = b.scales_l[g / 2] >> (4 * (g % 2)) & 15;
    const int high = b.scales_h >> (2 * g) & 3;
    out.scales[g] = static_cast<int8_t>((low | high << 4) - 32);
    out.mins[g] = 0;
    split_nibbles(b.qs + 16 * g, 16, out.codes + 32 * g);
  }
}

}  // namespace handmill::tensor
