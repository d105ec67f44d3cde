// What every kernel file includes before it opens its target region.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "backend/cpu/kernels/kernels.h"
#include "backend/cpu/kernels/target.h"
#include "tensor/half.h"

namespace handmill::backend {

/// How large codes get: 4-bit sums may stay in 16 bits for a group, 7-bit codes for a pair; 8-bit
/// ones are value + 128.
enum class Width { kNibble, kNarrow, kWide };

/// Bytes of the keys, and of the values, in a block of one kv head.
constexpr size_t key_bytes(KvType type, size_t head_dim) {
  return type == KvType::kF16 ? kKvBlock * head_dim * 2 : kKvBlock * (head_dim + head_dim / 32 * 2);
}
constexpr size_t value_bytes(KvType type, size_t head_dim) {
  return type == KvType::kF16 ? kKvBlock * head_dim * 2 : kKvBlock * (head_dim + 2);
}

/// panel.h's scale_bytes, for a layout known when compiling.
template <Scales S>
constexpr size_t scale_bytes_of(int groups) {
  const auto g = static_cast<size_t>(groups);
  constexpr size_t kHead = S == Scales::kSub32 || S == Scales::kSub16         ? 32
                           : S == Scales::kSubMin32 || S == Scales::kSubMin16 ? 64
                                                                              : 0;
  constexpr size_t kEach = S == Scales::kHalf || S == Scales::kSub16 || S == Scales::kSubMin32 ? 32
                           : S == Scales::kSub32                                               ? 16
                                                                                               : 64;
  return (kHead + kEach * g + 63) / 64 * 64;
}

}  // namespace handmill::backend
