// A regular file, mapped read-only and private. Moves, does not copy; the bytes live as long as the
// object.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace handmill::base {

class MappedFile {
 public:
  /// Only regular files are opened (a FIFO or a device could block or never end). An empty file
  /// maps to no bytes.
  static Result<MappedFile> open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const uint8_t> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  /// When the file was last written, in nanoseconds since 1970.
  int64_t modified_ns() const { return modified_ns_; }

  /// Asks for huge pages wherever the file system keeps the file in such.
  void prefer_huge_pages() const;

  /// Lets go of the resident pages that lie wholly inside `range` (a part of bytes()); a later read
  /// brings them back. Any thread.
  static void release(std::span<const uint8_t> range);

 private:
  std::string path_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  int64_t modified_ns_ = 0;
};

}  // namespace handmill::base
