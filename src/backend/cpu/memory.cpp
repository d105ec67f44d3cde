#include "backend/cpu/memory.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

#include "base/error.h"

namespace handmill::backend {

Result<Memory> Memory::allocate(size_t bytes) {
  Memory memory;
  if (bytes == 0) return memory;
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED)
    return base::limit("cannot reserve {} bytes of memory: {}", bytes, std::strerror(errno));
  // Below a few huge pages the rounding would cost more than the saved address translations bring.
  if (bytes >= (size_t{8} << 20)) ::madvise(data, bytes, MADV_HUGEPAGE);
  memory.data_ = static_cast<uint8_t*>(data);
  memory.size_ = bytes;
  return memory;
}

Memory::Memory(Memory&& other) noexcept { *this = std::move(other); }

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Memory::~Memory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace handmill::backend
