// A 64-bit checksum (XXH3) as fast as memory is read. It finds damage and tells files apart; it is
// no defence against someone who makes a file on purpose.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace handmill::base {

/// `before` joins several parts: checksum(b, checksum(a)).
uint64_t checksum(std::span<const uint8_t> bytes, uint64_t before = 0);

inline uint64_t checksum(std::string_view text, uint64_t before = 0) {
  return checksum({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, before);
}

}  // namespace handmill::base
