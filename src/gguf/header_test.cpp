// Headers of files that are elsewhere: as much is read as they take, and as strictly as at home.
#include <gtest/gtest.h>

#include "gguf/pieces.h"
#include "gguf/samples.h"
#include "gguf/test_files.h"

namespace handmill::gguf {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kPieces[] = {1, 2, 5, 64, 1000, 1 << 20};

TEST(Header, SaysWhatTheWholeFileSays) {
  for (const Sample& sample : samples())
    for (const uint64_t piece : kPieces)
      EXPECT_TRUE(header_agrees(sample.bytes, piece)) << sample.name << " by " << piece;
}

TEST(Header, TruncatedAndDamagedFilesFailWithTheSameWords) {
  for (const Sample& sample : samples()) {
    for (size_t size = 0; size < sample.bytes.size(); ++size)
      EXPECT_TRUE(header_agrees(std::span(sample.bytes).first(size), 1 + size % 97))
          << sample.name << " cut to " << size;
    Bytes damaged = sample.bytes;
    for (size_t at = 0; at < damaged.size(); ++at) {
      damaged[at] ^= 0xff;
      EXPECT_TRUE(header_agrees(damaged, 1 + at % 97)) << sample.name << " byte " << at;
      damaged[at] ^= 0xff;
    }
  }
}

TEST(Header, ReadsNoMoreThanTwiceTheHeader) {
  Writer w;
  set_all_values(w);
  const Bytes data(1 << 20, 7);
  must(w.add_tensor("a", tensor::Type::kF16, std::array<uint64_t, 2>{512, 1024}, data));
  const Bytes bytes = w.bytes();
  const auto all = pieces_of(bytes, "a.gguf");
  uint64_t end = 0, calls = 0;
  const ReadPiece read = [&](const std::string& path, uint64_t first, uint64_t count) {
    EXPECT_EQ(first, end);  // nothing twice
    end = first + count;
    ++calls;
    return all(path, first, count);
  };
  auto file = File::read_header("a.gguf", read, 16);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_LE(end, 2 * FieldMap(bytes).end());
  EXPECT_GT(calls, 3u);
  EXPECT_EQ(file->find_tensor("a")->bytes, data.size());
  EXPECT_EQ(file->bytes(), bytes.size());
  File moved = std::move(*file);
  EXPECT_GT(touch(moved), 0u);  // its views moved along
}

TEST(Header, AFileThatChangesMeanwhileIsRefused) {
  const Bytes bytes = full_sample().bytes;
  const auto all = pieces_of(bytes, "a");
  for (const int wrong : {0, 1, 2}) {
    const ReadPiece read = [&](const std::string& path, uint64_t first,
                               uint64_t count) -> Result<Piece> {
      HANDMILL_TRY(Piece piece, all(path, first, count));
      if (first == 0) return piece;
      if (wrong == 0) ++piece.file_bytes;
      if (wrong == 1) piece.bytes.pop_back();
      if (wrong == 2) piece.bytes.push_back(0);
      return piece;
    };
    const auto file = File::read_header("a", read, 100);
    ASSERT_FALSE(file.ok()) << wrong;
    EXPECT_NE(file.error().message.find(wrong == 0 ? "it changed" : "were asked for"),
              std::string::npos)
        << file.error().message;
  }
}

TEST(Header, BoundsWhatAFileSaysOfItself) {
  Writer w;
  w.set_string("general.name", "x");
  Bytes bytes = w.bytes();
  const FieldMap map(bytes);
  for (const KnownField& field : map.fields())
    if (field.name == "general.name value length") put_number(bytes, field, 1 << 30);
  uint64_t asked = 0, file_bytes = uint64_t{1} << 40;
  const ReadPiece read = [&](const std::string&, uint64_t first, uint64_t count) -> Result<Piece> {
    asked += count;
    if (first > 0) return Error{Code::kIo, "asked on"};
    Bytes begin = bytes;
    begin.resize(count);
    return Piece{begin, file_bytes};
  };
  auto file = File::read_header("a", read, 1000);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, Code::kLimit);
  EXPECT_NE(file.error().message.find("a header of more than"), std::string::npos)
      << file.error().message;
  EXPECT_EQ(asked, 1000u);
  file_bytes = UINT64_MAX;
  file = File::read_header("a", read, 1000);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("at most 281474976710656"), std::string::npos)
      << file.error().message;
}

TEST(Header, SplitFilesAreReadPartByPart) {
  std::vector<Bytes> parts;
  for (uint16_t i = 0; i < 3; ++i) parts.push_back(part_sample(i, 3, 3).bytes);
  int there = 3;
  const ReadPiece read = [&](const std::string& path, uint64_t first,
                             uint64_t count) -> Result<Piece> {
    for (int i = 0; i < there; ++i)
      if (path == "https://a/m-0000" + std::to_string(i + 1) + "-of-00003.gguf")
        return pieces_of(parts[static_cast<size_t>(i)], path)(path, first, count);
    return Error{Code::kNotFound, path};
  };
  const std::string path = "https://a/m-00001-of-00003.gguf";
  auto file = File::read_header(path, read, 50);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->bytes(), parts[0].size() + parts[1].size() + parts[2].size());
  EXPECT_FALSE(file->has_data());
  EXPECT_GT(touch(*file), 0u);
  there = 2;
  file = File::read_header(path, read, 50);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("part 3 of 3 is missing"), std::string::npos)
      << file.error().message;
}

}  // namespace
}  // namespace handmill::gguf
