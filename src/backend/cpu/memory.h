// Zeroed memory straight from the system, page-aligned, in huge pages where the machine has them.
// Pages cost nothing until they are touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"

namespace handmill::backend {

class Memory {
 public:
  static Result<Memory> allocate(size_t bytes);

  Memory() = default;
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;
  ~Memory();

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

/// Memory for many parts that live about as long as one another, side by side: a part smaller than
/// a huge page, in a region of its own, would get none. A region lives as long as any part of it.
class Arena {
 public:
  /// `bytes` of zeroed memory, aligned to a cache line.
  Result<std::shared_ptr<uint8_t>> take(size_t bytes);

 private:
  std::shared_ptr<Memory> region_;
  size_t used_ = 0;
};

}  // namespace handmill::backend
