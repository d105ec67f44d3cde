// One GGUF file's bytes into its metadata and tensor table, every fault checked. Serves file.cpp
// and header.cpp, which index the names; split.cpp joins the parts of a split file.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "gguf/names.h"

namespace handmill::gguf {

// Far above any real model (the largest have some 60,000 tensors, and some 100 entries), and low
// enough that a hostile table is parsed in well under a second.
inline constexpr uint64_t kMaxEntries = 1u << 16;
inline constexpr uint64_t kMaxTensors = 1u << 18;
inline constexpr uint64_t kMaxKeyBytes = 65535;  // the specification's
inline constexpr uint64_t kMaxNameBytes = 1024;  // the specification says 64; some tools write more
inline constexpr uint32_t kDefaultAlignment = 32;
inline constexpr std::string_view kAlignmentKey = "general.alignment";

struct Part {
  uint32_t version = 0;
  std::vector<Entry> entries;   // in the file's order, views into its bytes
  std::vector<Tensor> tensors;  // likewise
  EntryIndex keys;              // of `entries`; no key is there twice
};

/// A file, or the begin of one.
struct Source {
  std::span<const uint8_t> begin;
  uint64_t file_bytes;    // of the whole, at least begin.size()
  std::string_view name;  // stands for the file in errors
};

/// Tensor names may repeat: that is for the caller to find, over all parts. Of a begin alone the
/// tensors have no data; where it ends before the header does, an Error, and `wanted` is how many
/// bytes it must have to go on (0 after any other Error).
Result<Part> parse_part(const Source& source, uint64_t& wanted);

}  // namespace handmill::gguf
