// Strings by number, and numbers by string: the two containers that a vocabulary of 260,000 tokens
// is kept in. One allocation each, so that loading one takes milliseconds. Views stay valid when
// the table is moved, not when it grows.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace handmill::text {

/// Strings in one block of memory, in the order in which they were added.
class StringTable {
 public:
  void reserve(size_t strings, size_t bytes) {
    ends_.reserve(strings);
    bytes_.reserve(bytes);
  }
  void add(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    ends_.push_back(bytes_.size());
  }
  size_t size() const { return ends_.size(); }
  std::string_view operator[](size_t i) const {
    size_t begin = i == 0 ? 0 : ends_[i - 1];
    return {bytes_.data() + begin, ends_[i] - begin};
  }

 private:
  std::vector<char> bytes_;
  std::vector<size_t> ends_;
};

/// Open addressing, at most half full. The strings belong to someone else (a StringTable).
class StringIndex {
 public:
  static constexpr int32_t kNone = -1;

  /// REQUIRES: at most `capacity` strings are inserted.
  explicit StringIndex(size_t capacity = 0) : slots_(std::bit_ceil(2 * capacity + 2)) {}

  /// The number that already stood there, or kNone if `text` is new (it is then inserted).
  int32_t insert(std::string_view text, int32_t number) {
    Slot& slot = slots_[position(text)];
    if (slot.number != kNone) return slot.number;
    slot = {text, number};
    return kNone;
  }
  int32_t find(std::string_view text) const { return slots_[position(text)].number; }

 private:
  struct Slot {
    std::string_view text;
    int32_t number = kNone;
  };
  size_t position(std::string_view text) const {
    size_t mask = slots_.size() - 1;
    size_t i = std::hash<std::string_view>{}(text)&mask;
    while (slots_[i].number != kNone && slots_[i].text != text) i = (i + 1) & mask;
    return i;
  }
  std::vector<Slot> slots_;
};

}  // namespace handmill::text
