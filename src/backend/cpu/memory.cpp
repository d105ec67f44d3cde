#include "backend/cpu/memory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

#include "base/error.h"

namespace handmill::backend {
namespace {

constexpr size_t kRegionBytes = size_t{256} << 20;  // only what is touched of it costs memory
constexpr size_t kLine = 64;

}  // namespace

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

Result<std::shared_ptr<uint8_t>> Arena::take(size_t bytes) {
  if (region_ == nullptr || region_->size() - used_ < bytes) {
    HANDMILL_TRY(Memory region, Memory::allocate(std::max(bytes, kRegionBytes)));
    region_ = std::make_shared<Memory>(std::move(region));
    used_ = 0;
  }
  std::shared_ptr<uint8_t> part(region_, region_->data() + used_);
  used_ += std::min((bytes + kLine - 1) / kLine * kLine, region_->size() - used_);
  return part;
}

}  // namespace handmill::backend
