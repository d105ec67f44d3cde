// MXFP4: decode; the layout is in mxfp4.h.
#include "tensor/mxfp4.h"

#include <bit>

#include "tensor/bits.h"
#include "tensor/round32.h"

namespace handmill::tensor {

namespace {

/// 2^(e − 128), exact; e = 0 and 1 are subnormal floats.
float half_e8m0(uint8_t e) {
  if (e < 2) return std::bit_cast<float>(uint32_t{0x00200000} << e);
  return std::bit_cast<float>(static_cast<uint32_t>(e - 1) << 23);
}

}  // namespace

void decode_mxfp4(const uint8_t* block, Block& out) {
  const auto b = load<BlockMXFP4>(block);
  set_single_scale(half_e8m0(b.e), out);
  split_nibbles(b.qs, 16, out.codes);
}

}  // namespace handmill::tensor
