// A file of named sections of bytes: what was computed from something else, kept to be mapped
// later. Each section has a checksum, and the file a text that says what it was made from; whoever
// opens it compares. Little-endian:
//
//   head      64 bytes: magic, u32 version, zeros
//   sections  each at a multiple of 64 bytes
//   table     u32 length and text of the source; for each section u64 offset, u64 size,
//             u64 checksum, u32 length and text of its name
//   tail      u64 offset of the table, u64 sections, u64 checksum of head, table and the two
//             numbers before it, magic
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "base/progress.h"
#include "base/result.h"

namespace handmill::base {

struct Section {
  std::string_view name;
  std::span<const uint8_t> bytes;  // aligned to 64 bytes of the file
  uint64_t checksum;               // as the table has it
};

/// Immutable after open; any thread may read. Views stay valid as long as the SectionFile (moving
/// it keeps them). Opening checks all but the checksums of the sections.
class SectionFile {
 public:
  static Result<SectionFile> open(const std::string& path);
  /// Parses bytes that the caller keeps alive; `name` stands for the path in errors.
  static Result<SectionFile> parse(std::span<const uint8_t> bytes, std::string name);

  const std::string& path() const { return path_; }
  std::string_view source() const { return source_; }
  std::span<const Section> sections() const { return sections_; }
  const Section* find(std::string_view name) const;
  /// Reads every section against its checksum.
  Status verify(const Progress& progress = {}) const;

 private:
  std::string path_;
  MappedFile mapping_;
  std::string_view source_;
  std::vector<Section> sections_;  // in the order of their offsets
  std::unordered_map<std::string_view, size_t> index_;
};

/// Writes such a file from front to back.
class SectionWriter {
 public:
  /// Gets the file piece by piece: whole blocks of kBlockBytes, and what is left at the end.
  using Sink = std::function<Status(std::span<const uint8_t>)>;
  /// A multiple of a huge page: a file system that keeps what was written in pages as large as the
  /// write then maps it with huge pages.
  static constexpr size_t kBlockBytes = size_t{8} << 20;

  explicit SectionWriter(Sink sink);
  Status add(std::string_view name, std::span<const uint8_t> bytes);
  /// The last call. `source` as SectionFile::source() will give it.
  Status finish(std::string_view source);

 private:
  struct Entry {
    std::string name;
    uint64_t offset, bytes, checksum;
  };
  Status put(std::span<const uint8_t> bytes);
  Status align();

  Sink sink_;
  std::vector<uint8_t> block_;
  uint64_t written_ = 0;  // to the sink
  std::vector<Entry> entries_;
};

/// An upper bound of the file's size beside its sections' own bytes.
uint64_t section_file_overhead(size_t sections, size_t text_bytes);

}  // namespace handmill::base
