// Steps through the bytes of a GGUF header. It knows nothing but what is left: every read is held
// against remaining() first, every count against the bytes that its elements must at least take,
// and a fault comes back naming file, field and offset. Where only the file's begin is here, a read
// beyond that fails too, and wanted() tells so. Serves parse.cpp alone.
#pragma once

#include <cstdint>
#include <fmt/format.h>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gguf/value.h"

namespace handmill::gguf {

/// Which field is being read: put into words only when an error needs it.
struct Field {
  std::string_view what;       // "value type"
  std::string_view of = {};    // "metadata entry", "tensor"; empty for the header's own fields
  uint64_t number = 0;         // which of them, from 0
  std::string_view name = {};  // its key or name, once that is read

  Field with(std::string_view other) const { return {other, of, number, name}; }
  std::string text() const;  // `tensor 3 "output.weight" offset`
};

class Reader {
 public:
  /// `begin` is the first bytes of a file of `size`, or all; `file` is its name in errors. Both
  /// views must outlive the Reader. REQUIRES: begin.size() <= size.
  Reader(std::span<const uint8_t> begin, uint64_t size, std::string_view file)
      : file_(file), size_(size), begin_(begin) {}

  uint64_t size() const { return size_; }
  uint64_t remaining() const { return size_ - offset_; }
  uint64_t offset() const { return offset_; }
  /// After a fault: how many of the file's first bytes must be here to go on; 0 where the fault is
  /// the file's own.
  uint64_t wanted() const { return wanted_; }

  template <class T>
  Result<T> number(const Field& field) {
    HANDMILL_TRY(auto bytes, take(field, sizeof(T)));
    return load<T>(bytes.data());
  }

  Result<std::span<const uint8_t>> take(const Field& field, uint64_t bytes);

  /// A length and so many bytes. Longer than `bytes_max` is kLimit.
  Result<std::string_view> string(const Field& field, uint64_t bytes_max);

  /// A count of elements of which each takes at least `bytes_min` (> 0) of what is left.
  Result<uint64_t> count(const Field& field, uint64_t bytes_min, uint64_t count_max);

  /// The bytes of `count` strings, lengths included.
  Result<std::span<const uint8_t>> strings(const Field& field, uint64_t count);

  /// An Error about `field`, which began at byte `at`.
  template <class... Args>
  Error fault(Code code, const Field& field, uint64_t at, fmt::format_string<Args...> text,
              Args&&... args) const {
    return fault_text(code, field, at, fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  Error fault_text(Code code, const Field& field, uint64_t at, const std::string& text) const;
  Error ends_early(const Field& field, uint64_t wanted) const;

  std::string_view file_;
  uint64_t size_;
  std::span<const uint8_t> begin_;
  uint64_t offset_ = 0;  // at most begin_.size()
  uint64_t wanted_ = 0;
};

}  // namespace handmill::gguf
