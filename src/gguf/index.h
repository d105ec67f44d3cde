// The private side of File: its name indexes, and the ways to make one. Serves file.cpp (one file)
// and split.cpp (several).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "gguf/file.h"
#include "gguf/names.h"

namespace handmill::gguf {

struct File::Index {
  EntryIndex keys;
  TensorIndex names;

  /// One file alone, whatever its split.* keys say.
  static Result<File> read_one(std::span<const uint8_t> bytes, std::string name);
  static Result<File> map_one(const std::string& path);

  /// How many parts the file says that it is cut into; 1 where it says nothing (or 0, as merged
  /// files do).
  static Result<uint64_t> part_count(const File& file);
  /// Adds the other parts' tensors to `first`, which says that it is one of `count` > 1.
  static Result<File> join(File first, uint64_t count);
};

}  // namespace handmill::gguf
