// Reader and writer. The reader trusts nothing before the checksum of the table, and after it only
// what lies inside the file: a table that someone else wrote may be whole and still wrong.
#include "base/section_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/checksum.h"
#include "base/error.h"
#include "base/load.h"
#include "base/quote.h"

namespace handmill::base {
namespace {

constexpr std::string_view kMagic = "handmill";
constexpr uint32_t kVersion = 1;
constexpr size_t kLine = 64;
constexpr size_t kHeadBytes = kLine;
constexpr size_t kTailBytes = 32;
constexpr size_t kEntryBytes = 28;  // without the name

std::array<uint8_t, kHeadBytes> head() {
  std::array<uint8_t, kHeadBytes> bytes{};
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  std::memcpy(bytes.data() + kMagic.size(), &kVersion, sizeof kVersion);
  return bytes;
}

bool has_magic(std::span<const uint8_t> bytes) {
  return std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

template <class T>
void append(std::vector<uint8_t>& out, T value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

void append_text(std::vector<uint8_t>& out, std::string_view text) {
  append(out, static_cast<uint32_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

/// Takes numbers and texts from the front of what is left of a table.
struct Cursor {
  std::span<const uint8_t> rest;

  template <class T>
  std::optional<T> number() {
    if (rest.size() < sizeof(T)) return std::nullopt;
    const T value = load<T>(rest.data());
    rest = rest.subspan(sizeof(T));
    return value;
  }
  std::optional<std::string_view> text() {
    const auto bytes = number<uint32_t>();
    if (!bytes || *bytes > rest.size()) return std::nullopt;
    const std::string_view text(reinterpret_cast<const char*>(rest.data()), *bytes);
    rest = rest.subspan(*bytes);
    return text;
  }
};

struct Tail {
  uint64_t table, count;
};

/// Checks head and tail, and the checksum that covers them and the table.
Result<Tail> read_ends(std::span<const uint8_t> bytes, const std::string& path) {
  if (bytes.size() < kHeadBytes + kTailBytes)
    return invalid("{}: {} bytes are too few", path, bytes.size());
  if (!has_magic(bytes)) return invalid("{}: does not begin with \"{}\"", path, kMagic);
  if (const auto version = load<uint32_t>(bytes.data() + kMagic.size()); version != kVersion)
    return unsupported("{}: format version {}; this build reads {}", path, version, kVersion);
  const size_t end = bytes.size() - kTailBytes;
  const std::span<const uint8_t> tail = bytes.subspan(end);
  if (!has_magic(tail.subspan(kTailBytes - kMagic.size())))
    return invalid("{}: is cut off: it does not end in \"{}\"", path, kMagic);
  const Tail found{load<uint64_t>(tail.data()), load<uint64_t>(tail.data() + 8)};
  if (found.table < kHeadBytes || found.table > end)
    return invalid("{}: the table's offset at byte {}: {}; the file has {} bytes", path, end,
                   found.table, bytes.size());
  const uint64_t sum = checksum(bytes.subspan(found.table, end + 16 - found.table),
                                checksum(bytes.first(kHeadBytes)));
  if (sum != load<uint64_t>(tail.data() + 16))
    return invalid("{}: the table is damaged: its checksum is {:016x}; {:016x} was written", path,
                   sum, load<uint64_t>(tail.data() + 16));
  return found;
}

}  // namespace

Result<SectionFile> SectionFile::parse(std::span<const uint8_t> bytes, std::string name) {
  HANDMILL_TRY(const Tail tail, read_ends(bytes, name));
  Cursor cursor{bytes.subspan(tail.table, bytes.size() - kTailBytes - tail.table)};
  SectionFile file;
  file.path_ = std::move(name);
  const auto source = cursor.text();
  if (!source || tail.count > cursor.rest.size() / kEntryBytes)
    return invalid("{}: a table of {} sections does not fit in {} bytes", file.path_, tail.count,
                   cursor.rest.size());
  file.source_ = *source;
  file.sections_.reserve(tail.count);
  uint64_t free = kHeadBytes;  // where the next section may begin
  for (uint64_t i = 0; i < tail.count; ++i) {
    const auto offset = cursor.number<uint64_t>();
    const auto size = cursor.number<uint64_t>();
    const auto sum = cursor.number<uint64_t>();
    const auto text = cursor.text();
    if (!offset || !size || !sum || !text)
      return invalid("{}: the table ends in section {}", file.path_, i);
    if (*offset % kLine != 0 || *offset < free || *offset > tail.table ||
        *size > tail.table - *offset)
      return invalid("{}: section {} {} is {} bytes at byte {}, not between {} and {}", file.path_,
                     i, quoted(*text), *size, *offset, free, tail.table);
    free = *offset + *size;
    if (!file.index_.emplace(*text, i).second)
      return invalid("{}: section {} {}: an earlier one has this name", file.path_, i,
                     quoted(*text));
    file.sections_.push_back({*text, bytes.subspan(*offset, *size), *sum});
  }
  if (!cursor.rest.empty())
    return invalid("{}: {} bytes follow the table's last section", file.path_, cursor.rest.size());
  return file;
}

Result<SectionFile> SectionFile::open(const std::string& path) {
  HANDMILL_TRY(MappedFile mapping, MappedFile::open(path));
  HANDMILL_TRY(SectionFile file, parse(mapping.bytes(), path));
  mapping.prefer_huge_pages();
  file.mapping_ = std::move(mapping);
  return file;
}

const Section* SectionFile::find(std::string_view name) const {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &sections_[at->second];
}

Status SectionFile::verify(const Progress& progress) const {
  uint64_t done = 0, total = 0;
  for (const Section& section : sections_) total += section.bytes.size();
  for (const Section& section : sections_) {
    const uint64_t sum = checksum(section.bytes);
    if (sum != section.checksum)
      return invalid("{}: section {} is damaged: its checksum is {:016x}; {:016x} was written",
                     path_, quoted(section.name), sum, section.checksum);
    if (progress) progress(done += section.bytes.size(), total);
  }
  return {};
}

SectionWriter::SectionWriter(Sink sink) : sink_(std::move(sink)) {
  block_.reserve(kBlockBytes);
  const auto bytes = head();
  block_.insert(block_.end(), bytes.begin(), bytes.end());
}

Status SectionWriter::put(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), kBlockBytes - block_.size());
    block_.insert(block_.end(), bytes.data(), bytes.data() + count);
    bytes = bytes.subspan(count);
    if (block_.size() < kBlockBytes) continue;
    HANDMILL_OK(sink_(block_));
    written_ += block_.size();
    block_.clear();
  }
  return {};
}

Status SectionWriter::align() {
  constexpr std::array<uint8_t, kLine> zeros{};
  const uint64_t over = (written_ + block_.size()) % kLine;
  return put(std::span(zeros).first(over == 0 ? 0 : kLine - over));
}

Status SectionWriter::add(std::string_view name, std::span<const uint8_t> bytes) {
  HANDMILL_OK(align());
  entries_.push_back({std::string(name), written_ + block_.size(), bytes.size(), checksum(bytes)});
  return put(bytes);
}

Status SectionWriter::finish(std::string_view source) {
  HANDMILL_OK(align());
  const uint64_t at = written_ + block_.size();
  std::vector<uint8_t> table;
  append_text(table, source);
  for (const Entry& entry : entries_) {
    append(table, entry.offset);
    append(table, entry.bytes);
    append(table, entry.checksum);
    append_text(table, entry.name);
  }
  append(table, at);
  append(table, uint64_t{entries_.size()});
  append(table, checksum(table, checksum(head())));
  table.insert(table.end(), kMagic.begin(), kMagic.end());
  HANDMILL_OK(put(table));
  return block_.empty() ? Status() : sink_(block_);
}

uint64_t section_file_overhead(size_t sections, size_t text_bytes) {
  return kHeadBytes + kTailBytes + sections * (kEntryBytes + kLine) + kLine + text_bytes + 4;
}

}  // namespace handmill::base
