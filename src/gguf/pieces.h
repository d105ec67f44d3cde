// A file in memory, read in pieces as if it were elsewhere, and held against itself read at once.
// Serves the tests of headers and their fuzzer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "gguf/file.h"
#include "gguf/touch.h"

namespace handmill::gguf {

/// `bytes` must outlive it. Other paths than `path` are not there.
inline ReadPiece pieces_of(std::span<const uint8_t> bytes, std::string path) {
  return [bytes, path = std::move(path)](const std::string& wanted, uint64_t first,
                                         uint64_t count) -> Result<Piece> {
    if (wanted != path) return Error{Code::kNotFound, wanted};
    const auto rest = bytes.subspan(std::min<uint64_t>(first, bytes.size()));
    const auto part = rest.first(std::min<uint64_t>(count, rest.size()));
    return Piece{{part.begin(), part.end()}, bytes.size()};
  };
}

/// Whether the header read by pieces, the first of `piece_bytes`, is the one of the whole, or fails
/// with the same words. Files that say that they are split always agree.
inline bool header_agrees(std::span<const uint8_t> bytes, uint64_t piece_bytes) {
  const std::string name = "fuzz.gguf";
  const auto whole = File::parse(bytes, name);
  const auto header = File::read_header(name, pieces_of(bytes, name), piece_bytes);
  if (!whole.ok() && whole.error().code == Code::kUnsupported &&
      whole.error().message.find("split.count") != std::string::npos)
    return true;
  if (!whole.ok())
    return !header.ok() && header.error().message == whole.error().message &&
           header.error().code == whole.error().code;
  if (!header.ok() || header->has_data() || touch(*header) == 0) return false;
  const auto same_entry = [](const Entry& a, const Entry& b) {
    return a.key == b.key && a.type == b.type && a.element_type == b.element_type &&
           a.count == b.count && a.offset == b.offset && std::ranges::equal(a.bytes, b.bytes);
  };
  const auto same_tensor = [](const Tensor& a, const Tensor& b) {
    return a.name == b.name && a.format == b.format && a.shape == b.shape && a.bytes == b.bytes &&
           a.bytes == a.data.size() && b.data.empty();
  };
  return header->bytes() == whole->bytes() && header->version() == whole->version() &&
         std::ranges::equal(whole->metadata(), header->metadata(), same_entry) &&
         std::ranges::equal(whole->tensors(), header->tensors(), same_tensor);
}

}  // namespace handmill::gguf
