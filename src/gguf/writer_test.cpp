// The writer: what it writes reads back the same, on disk as in memory, and what would not read
// back it refuses.
#include "gguf/writer.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>

#include "gguf/samples.h"
#include "gguf/test_files.h"

namespace handmill::gguf {
namespace {

std::vector<uint8_t> read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Writer, CarriesEveryEntryOverUnchanged) {
  const Sample sample = full_sample();
  auto file = File::parse(sample.bytes, "full");
  ASSERT_TRUE(file.ok());
  Writer copy(3, 64);
  for (const Entry& entry : file->metadata()) copy.set_entry(entry);
  for (const Tensor& t : file->tensors())
    must(copy.add_tensor(t.name, t.format->type,
                         std::span(t.shape).first(static_cast<size_t>(t.n_dims)), t.data));
  EXPECT_EQ(copy.bytes(), sample.bytes);
}

TEST(Writer, CarriesNoAlignmentOver) {
  const Sample sample = full_sample();  // placed by 64
  auto file = File::parse(sample.bytes, "full");
  ASSERT_TRUE(file.ok());
  for (uint32_t alignment : {8u, 32u, 128u}) {
    Writer copy(3, alignment);
    for (const Entry& entry : file->metadata()) copy.set_entry(entry);
    for (const Tensor& t : file->tensors())
      must(copy.add_tensor(t.name, t.format->type,
                           std::span(t.shape).first(static_cast<size_t>(t.n_dims)), t.data));
    const auto bytes = copy.bytes();
    auto copied = File::parse(bytes, "copy");
    ASSERT_TRUE(copied.ok()) << copied.error().message;
    for (const Tensor& t : file->tensors())
      EXPECT_TRUE(std::ranges::equal(copied->find_tensor(t.name)->data, t.data)) << t.name;
  }
}

TEST(Writer, TheHeaderIsTheFormats) {
  Writer w(2);
  w.set_string("k", "v");
  const std::string expected = std::string("GGUF\2\0\0\0", 8) + std::string(8, '\0') +
                               std::string("\1\0\0\0\0\0\0\0", 8) +
                               std::string("\1\0\0\0\0\0\0\0k", 9) + std::string("\10\0\0\0", 4) +
                               std::string("\1\0\0\0\0\0\0\0v", 9) + std::string(18, '\0');
  const auto bytes = w.bytes();
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), expected);
}

TEST(Writer, AKeySetAgainKeepsItsPlace) {
  Writer w;
  w.set<uint32_t>("a", 1);
  w.set<uint32_t>("b", 2);
  w.set_string("a", "three");
  const auto bytes = w.bytes();
  auto file = File::parse(bytes, "x");
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_EQ(file->metadata().size(), 2u);
  EXPECT_EQ(file->metadata()[0].key, "a");
  EXPECT_EQ(*file->get_string("a"), "three");
}

TEST(Writer, EveryAlignmentReadsBack) {
  for (uint32_t alignment : {1u, 2u, 8u, 16u, 32u, 64u, 4096u}) {
    Writer w(3, alignment);
    const auto a = pattern(5 * 4), b = pattern(3 * 4, 77);
    must(w.add_tensor("a", tensor::Type::kF32, std::array<uint64_t, 1>{5}, a));
    must(w.add_tensor("b", tensor::Type::kF32, std::array<uint64_t, 1>{3}, b));
    const auto bytes = w.bytes();
    EXPECT_EQ(bytes.size() % alignment, 0u);
    auto file = File::parse(bytes, "x");
    ASSERT_TRUE(file.ok()) << file.error().message;
    const auto data = file->find_tensor("b")->data;
    EXPECT_EQ((data.data() - bytes.data()) % alignment, 0u);
    EXPECT_TRUE(std::equal(data.begin(), data.end(), b.begin(), b.end()));
  }
}

TEST(Writer, WritesTheSameToDiskAndLeavesNoPartialFile) {
  TempFolder folder;
  Writer w(3, 64);
  set_all_values(w);
  const auto data = pattern(200);
  must(w.add_tensor("a", tensor::Type::kF16, std::array<uint64_t, 2>{50, 2}, data));
  const std::string path = folder / "m.gguf";
  folder.file("m.gguf", pattern(10));  // an older file gives way
  const Status status = w.write(path);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(read_all(path), w.bytes());
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST(Writer, SaysWhyItCannotWriteAndLeavesWhatWasThere) {
  TempFolder folder;
  Writer w;
  const std::string nowhere = folder / "none/m.gguf";
  EXPECT_EQ(w.write(nowhere).error().code, Code::kIo);
  const std::string taken = folder / "folder";
  ASSERT_EQ(::mkdir(taken.c_str(), 0755), 0);
  EXPECT_EQ(w.write(taken).error().code, Code::kIo);
  EXPECT_FALSE(std::filesystem::exists(taken + ".partial"));
}

TEST(Writer, RefusesTensorsThatWouldNotReadBack) {
  Writer w;
  const auto data = pattern(128);
  using tensor::Type;
  using Shape = std::vector<uint64_t>;
  auto refuse = [&](std::string_view name, Type type, const Shape& shape, size_t size) {
    const Status status = w.add_tensor(name, type, shape, std::span(data).first(size));
    EXPECT_FALSE(status.ok()) << name;
  };
  must(w.add_tensor("there", Type::kF32, Shape{2}, std::span(data).first(8)));
  refuse("there", Type::kF32, {2}, 8);
  refuse("", Type::kF32, {2}, 8);
  refuse(std::string(1025, 'n'), Type::kF32, {2}, 8);
  refuse("no dims", Type::kF32, {}, 4);
  refuse("five dims", Type::kF32, {1, 1, 1, 1, 1}, 4);
  refuse("zero", Type::kF32, {2, 0}, 0);
  refuse("short", Type::kF32, {2}, 4);
  refuse("long", Type::kF32, {2}, 12);
  refuse("half a block", Type::kQ4_0, {16}, 9);
  refuse("wraps", Type::kF32, {uint64_t{1} << 62}, 0);
  refuse("wraps by rows", Type::kF32, {4, uint64_t{1} << 60}, 0);
  refuse("unknown", static_cast<Type>(77), {2}, 8);
  const auto bytes = w.bytes();
  auto file = File::parse(bytes, "x");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->tensors().size(), 1u);
}

}  // namespace
}  // namespace handmill::gguf
