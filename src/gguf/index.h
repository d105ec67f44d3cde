// The private side of File: its name indexes, and the ways to make one. Serves file.cpp (one file),
// header.cpp (one that is elsewhere) and split.cpp (several).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "gguf/file.h"
#include "gguf/names.h"
#include "gguf/parse.h"

namespace handmill::gguf {

struct File::Index {
  EntryIndex keys;
  TensorIndex names;

  /// One file alone, whatever its split.* keys say.
  static Result<File> read_one(std::span<const uint8_t> bytes, std::string name);
  static Result<File> map_one(const std::string& path);
  static Result<File> fetch_one(const std::string& path, const ReadPiece& read,
                                uint64_t piece_bytes);
  /// Of a parsed file, its names indexed.
  static Result<File> make(Part part, const Source& source);

  /// How many parts the file says that it is cut into; 1 where it says nothing (or 0, as merged
  /// files do).
  static Result<uint64_t> part_count(const File& file);
  using Open = std::function<Result<File>(const std::string& path)>;
  /// Adds the other parts' tensors to `first`, which says that it is one of `count` > 1.
  static Result<File> join(File first, uint64_t count, const Open& open);
  /// `path` with its other parts, where it has some.
  static Result<File> open_all(const std::string& path, const Open& open);
};

}  // namespace handmill::gguf
