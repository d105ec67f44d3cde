// What a SectionFile gives back, and that no damage to its numbers goes unseen.
#include "base/section_file.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/temp_folder.h"

namespace handmill::base {
namespace {

using Bytes = std::vector<uint8_t>;

struct Part {
  std::string name;
  Bytes bytes;
};

std::vector<Part> parts() {
  return {{"one", Bytes(64, 1)}, {"empty", {}}, {"odd", Bytes(100, 3)}, {"", Bytes(1, 4)}};
}

Bytes written(const std::vector<Part>& sections, std::string_view source = "made by hand") {
  Bytes out;
  SectionWriter writer([&out](std::span<const uint8_t> bytes) -> Status {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  });
  for (const Part& part : sections) EXPECT_TRUE(writer.add(part.name, part.bytes).ok());
  EXPECT_TRUE(writer.finish(source).ok());
  return out;
}

/// Where the table begins.
uint64_t table_of(const Bytes& file) {
  uint64_t at;
  std::memcpy(&at, file.data() + file.size() - 32, sizeof at);
  return at;
}

/// Puts a table in the place of the old, with a checksum that fits.
Bytes with_table(const Bytes& file, const Bytes& table, uint64_t count) {
  Bytes out(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(table_of(file)));
  const auto number = [&out](uint64_t value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    out.insert(out.end(), bytes, bytes + sizeof value);
  };
  const uint64_t at = out.size();
  out.insert(out.end(), table.begin(), table.end());
  number(at);
  number(count);
  number(checksum(std::span(out).subspan(at), checksum(std::span(out).first(64))));
  out.insert(out.end(), file.end() - 8, file.end());
  return out;
}

struct Row {
  uint64_t offset, bytes;
  std::string name;
};

Bytes table(const std::vector<Row>& rows, std::string_view source = "") {
  Bytes out;
  const auto append = [&out](const void* from, size_t count) {
    const auto* bytes = static_cast<const uint8_t*>(from);
    out.insert(out.end(), bytes, bytes + count);
  };
  const auto text = [&](std::string_view value) {
    const auto size = static_cast<uint32_t>(value.size());
    append(&size, sizeof size);
    append(value.data(), value.size());
  };
  text(source);
  for (const Row& row : rows) {
    const uint64_t numbers[] = {row.offset, row.bytes, 0};
    append(numbers, sizeof numbers);
    text(row.name);
  }
  return out;
}

std::string fault(const Bytes& file) {
  const auto parsed = SectionFile::parse(file, "x.panels");
  if (parsed.ok()) return "";
  EXPECT_TRUE(parsed.error().message.starts_with("x.panels: ")) << parsed.error().message;
  return parsed.error().message;
}

TEST(SectionFile, GivesBackWhatWasWritten) {
  const TempFolder folder;
  const Bytes file = written(parts());
  const auto opened = SectionFile::open(folder.file("x", file));
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->source(), "made by hand");
  ASSERT_EQ(opened->sections().size(), parts().size());
  for (const Part& part : parts()) {
    const Section* section = opened->find(part.name);
    ASSERT_NE(section, nullptr) << part.name;
    EXPECT_TRUE(std::ranges::equal(section->bytes, part.bytes)) << part.name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(section->bytes.data()) % 64, 0u);
  }
  EXPECT_EQ(opened->find("two"), nullptr);
  EXPECT_TRUE(opened->verify().ok());
  size_t text = 0, bytes = 0;
  for (const Part& part : parts()) text += part.name.size(), bytes += part.bytes.size();
  EXPECT_LE(file.size(), bytes + section_file_overhead(parts().size(), text + 12));
  EXPECT_TRUE(SectionFile::parse(written({}), "x").ok());
}

TEST(SectionFile, IsWrittenInWholeBlocks) {
  std::vector<size_t> sizes;
  SectionWriter writer([&sizes](std::span<const uint8_t> bytes) -> Status {
    sizes.push_back(bytes.size());
    return {};
  });
  const Bytes part(SectionWriter::kBlockBytes - 100, 1);
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(writer.add(name, part).ok());
  ASSERT_TRUE(writer.finish("").ok());
  ASSERT_EQ(sizes.size(), 3u);
  EXPECT_EQ(sizes[0], SectionWriter::kBlockBytes);
  EXPECT_EQ(sizes[1], SectionWriter::kBlockBytes);
}

TEST(SectionFile, AWriterStopsWhereItsSinkFails) {
  SectionWriter writer([](std::span<const uint8_t>) -> Status { return Error{Code::kIo, "full"}; });
  EXPECT_EQ(writer.add("a", Bytes(SectionWriter::kBlockBytes, 1)).error().message, "full");
  SectionWriter late([](std::span<const uint8_t>) -> Status { return Error{Code::kIo, "full"}; });
  EXPECT_FALSE(late.finish("").ok());
}

TEST(SectionFile, EveryShorterFileIsRefused) {
  const Bytes file = written(parts());
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(fault(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))), "")
        << size;
}

TEST(SectionFile, EveryFlippedBitOfItsNumbersIsSeenAndOfItsSectionsOnVerifying) {
  const Bytes file = written(parts());
  for (size_t at = 0; at < file.size(); ++at)
    for (const int bit : {0, 3, 7}) {
      Bytes damaged = file;
      damaged[at] ^= static_cast<uint8_t>(1 << bit);
      const auto parsed = SectionFile::parse(damaged, "x.panels");
      if (at < 64 || at >= table_of(file)) {
        EXPECT_FALSE(parsed.ok()) << at;
        continue;
      }
      ASSERT_TRUE(parsed.ok()) << at;
      const bool padding = std::ranges::none_of(parsed->sections(), [&](const Section& section) {
        const uint8_t* byte = damaged.data() + at;
        return byte >= section.bytes.data() && byte < section.bytes.data() + section.bytes.size();
      });
      EXPECT_EQ(parsed->verify().ok(), padding) << at;
    }
}

TEST(SectionFile, AnotherVersionIsNamed) {
  Bytes file = written(parts());
  file[8] = 2;
  EXPECT_NE(fault(file).find("format version 2; this build reads 1"), std::string::npos);
}

TEST(SectionFile, ATableThatLiesIsRefused) {
  const Bytes file = written(parts());
  const uint64_t end = table_of(file);
  EXPECT_EQ(fault(with_table(file, table({{64, 64, "a"}, {128, 1, "b"}}), 2)), "");
  EXPECT_EQ(fault(with_table(file, table({{end, 0, "a"}}), 1)), "");
  const uint64_t most = UINT64_MAX;
  const std::vector<std::vector<Row>> lies = {
      {{0, 64, "a"}},                  // in the head
      {{65, 1, "a"}},                  // not aligned
      {{end, 1, "a"}},                 // in the table
      {{64, end - 63, "a"}},           // a byte too many
      {{64, most, "a"}},               // wraps
      {{most - 63, 64, "a"}},          // wraps, aligned
      {{128, 1, "a"}, {64, 1, "b"}},   // backwards
      {{64, 65, "a"}, {128, 1, "b"}},  // one in the other
      {{64, 1, "a"}, {128, 1, "a"}},   // a name twice
  };
  for (size_t i = 0; i < lies.size(); ++i)
    EXPECT_NE(fault(with_table(file, table(lies[i]), lies[i].size())), "") << i;
  const Bytes good = table({{64, 1, "a"}});
  EXPECT_NE(fault(with_table(file, good, 0)), "");     // rows left over
  EXPECT_NE(fault(with_table(file, good, 2)), "");     // a row too few
  EXPECT_NE(fault(with_table(file, good, most)), "");  // nothing is allocated for them
  EXPECT_NE(fault(with_table(file, {}, 0)), "");
  EXPECT_NE(fault(with_table(file, Bytes(4, 0xff), 0)), "");  // a source of 4 GiB
  Bytes long_name = good;
  long_name[long_name.size() - 5] = 0xff;
  EXPECT_NE(fault(with_table(file, long_name, 1)), "");
}

}  // namespace
}  // namespace handmill::base
