// Names to items of a table that a file wrote: sorted positions, so that a lookup is a binary
// search, the cost is four bytes an item, and no choice of names makes it slow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/file.h"

namespace handmill::gguf {

/// Holds positions only: every call gets the same items that the index was made of.
template <class T, std::string_view T::* kName>
class NameIndex {
 public:
  NameIndex() = default;
  explicit NameIndex(std::span<const T> items) : order_(items.size()) {
    std::iota(order_.begin(), order_.end(), 0u);
    std::sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
      const int way = (items[a].*kName).compare(items[b].*kName);
      return way != 0 ? way < 0 : a < b;
    });
  }

  const T* find(std::span<const T> items, std::string_view name) const {
    auto at = std::lower_bound(order_.begin(), order_.end(), name,
                               [&](uint32_t i, auto wanted) { return items[i].*kName < wanted; });
    return at != order_.end() && items[*at].*kName == name ? &items[*at] : nullptr;
  }

  /// The first item, in the table's order, whose name an earlier one has; or null.
  const T* repeated(std::span<const T> items) const {
    uint32_t first = UINT32_MAX;
    for (size_t i = 1; i < order_.size(); ++i)
      if (items[order_[i - 1]].*kName == items[order_[i]].*kName)
        first = std::min(first, order_[i]);
    return first == UINT32_MAX ? nullptr : &items[first];
  }

 private:
  std::vector<uint32_t> order_;
};

using EntryIndex = NameIndex<Entry, &Entry::key>;
using TensorIndex = NameIndex<Tensor, &Tensor::name>;

}  // namespace handmill::gguf
