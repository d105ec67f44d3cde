// Zeroed memory straight from the system, page-aligned, in huge pages where the machine has them.
// Pages cost nothing until they are touched.
#pragma once

#include <cstddef>
#include <cstdint>

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

}  // namespace handmill::backend
