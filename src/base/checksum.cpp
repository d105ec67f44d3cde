#include "base/checksum.h"

#include <xxhash.h>

namespace handmill::base {

uint64_t checksum(std::span<const uint8_t> bytes, uint64_t before) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), before);
}

}  // namespace handmill::base
