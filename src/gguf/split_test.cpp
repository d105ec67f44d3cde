// Split files: three parts read as one, and every way in which parts can fail to belong together.
#include <gtest/gtest.h>

#include "gguf/samples.h"
#include "gguf/test_files.h"
#include "gguf/touch.h"

namespace handmill::gguf {
namespace {

constexpr const char* kNames[] = {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf",
                                  "m-00003-of-00003.gguf"};

class Split : public testing::Test {
 protected:
  void SetUp() override {
    for (uint16_t i = 0; i < 3; ++i) folder_.file(kNames[i], part_sample(i, 3, 3).bytes);
  }
  std::string path(int part) const { return folder_ / kNames[part]; }
  void replace(int part, const Sample& sample) { folder_.file(kNames[part], sample.bytes); }
  TempFolder folder_;
};

TEST_F(Split, ReadsAsOne) {
  auto file = File::open(path(0));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->path(), path(0));
  EXPECT_EQ(*file->get_string("general.architecture"), "llama");
  ASSERT_EQ(file->tensors().size(), 3u);
  uint64_t bytes = 0;
  for (int i = 0; i < 3; ++i) {
    bytes += std::filesystem::file_size(path(i));
    const Tensor* t = file->find_tensor("t" + std::to_string(i));
    ASSERT_NE(t, nullptr);
    EXPECT_EQ(t, &file->tensors()[static_cast<size_t>(i)]);
    const auto wanted = pattern(16, static_cast<uint8_t>(i * 16));
    EXPECT_TRUE(std::equal(t->data.begin(), t->data.end(), wanted.begin(), wanted.end()));
  }
  EXPECT_EQ(file->bytes(), bytes);
  EXPECT_GT(touch(*file), 0u);
}

TEST_F(Split, AMissingPartIsNamed) {
  std::filesystem::remove(path(1));
  expect_error(File::open(path(0)), Code::kNotFound, path(0), {"part 2 of 3 is missing", path(1)});
}

TEST_F(Split, ALaterPartPointsToTheFirst) {
  expect_error(File::open(path(1)), Code::kInvalid, path(1),
               {"split.no at byte ", ": 1, which is not the first part of 3; open " + path(0)});
  std::filesystem::rename(path(1), folder_ / "renamed.gguf");
  expect_error(File::open(folder_ / "renamed.gguf"), Code::kInvalid, folder_ / "renamed.gguf",
               {"split.no", "…-00001-of-00003.gguf"});
}

TEST_F(Split, ARenamedFirstPartSaysWhatItsNameMustBe) {
  std::filesystem::rename(path(0), folder_ / "m.gguf");
  expect_error(File::open(folder_ / "m.gguf"), Code::kInvalid, folder_ / "m.gguf",
               {"split.count at byte ", "must end in \"-00001-of-00003.gguf\""});
}

TEST_F(Split, PartsMustAgree) {
  replace(1, part_sample(2, 3, 3));
  expect_error(File::open(path(0)), Code::kInvalid, path(1),
               {"split.no at byte ", ": 2;", "1 would be right"});
  replace(1, part_sample(1, 4, 3));
  expect_error(File::open(path(0)), Code::kInvalid, path(1),
               {"split.count at byte ", ": 4;", "3 would be right"});
  replace(1, part_sample(1, 3, 7));
  expect_error(File::open(path(0)), Code::kInvalid, path(1),
               {"split.tensors.count at byte ", ": 7;", "3 would be right"});
  replace(1, full_sample());
  expect_error(File::open(path(0)), Code::kNotFound, path(1), {"\"split.no\"", "missing"});
}

TEST_F(Split, TheTensorCountMustBeThatOfAllParts) {
  for (uint16_t i = 0; i < 3; ++i) replace(i, part_sample(i, 3, 4));
  expect_error(File::open(path(0)), Code::kInvalid, path(0),
               {"split.tensors.count at byte ", ": 4, but the 3 parts hold 3 tensors"});
}

TEST_F(Split, NoTensorNameStandsInTwoParts) {
  Sample second = part_sample(1, 3, 3);
  second.bytes[FieldMap(second.bytes)["tensor t1 name length"].offset + 9] = '0';
  replace(1, second);
  expect_error(File::open(path(0)), Code::kInvalid, path(1), {"tensor \"t0\"", "earlier part"});
}

TEST_F(Split, ADamagedPartIsNamed) {
  Sample third = part_sample(2, 3, 3);
  third.bytes.resize(40);
  replace(2, third);
  expect_error(File::open(path(0)), Code::kInvalid, path(2), {"at byte "});
  std::filesystem::remove(path(2));
  std::filesystem::create_directory(path(2));
  expect_error(File::open(path(0)), Code::kInvalid, path(2), {"not a regular file"});
}

TEST_F(Split, KeysOfTheWrongKindOrMissing) {
  Writer w;
  w.set_string("split.count", "three");
  folder_.file("w.gguf", w.bytes());
  expect_error(File::open(folder_ / "w.gguf"), Code::kInvalid, folder_ / "w.gguf",
               {"\"split.count\" at byte ", "is string"});
  w.set<uint16_t>("split.count", 3);
  folder_.file(kNames[0], w.bytes());
  expect_error(File::open(path(0)), Code::kNotFound, path(0), {"\"split.no\"", "missing"});
  w.set<uint16_t>("split.no", 0);
  folder_.file(kNames[0], w.bytes());
  expect_error(File::open(path(0)), Code::kNotFound, path(0),
               {"\"split.tensors.count\"", "missing"});
  w.set<int32_t>("split.count", -3);
  folder_.file(kNames[0], w.bytes());
  expect_error(File::open(path(0)), Code::kInvalid, path(0), {"\"split.count\"", "is -3"});
  w.set<uint64_t>("split.count", UINT64_MAX);
  folder_.file(kNames[0], w.bytes());
  expect_error(File::open(path(0)), Code::kLimit, path(0), {"split.count", "at most 4096 parts"});
}

TEST_F(Split, OneOrNoPartsAreAWholeFile) {
  for (uint16_t count : {uint16_t{0}, uint16_t{1}}) {
    const std::string whole = folder_.file("whole.gguf", part_sample(0, count, 1).bytes);
    auto file = File::open(whole);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->tensors().size(), 1u);
  }
}

TEST_F(Split, BytesAloneCannotBeSplit) {
  const Sample first = part_sample(0, 3, 3);
  expect_error(File::parse(first.bytes, "x.gguf"), Code::kUnsupported, "x.gguf",
               {"split.count at byte ", ": 3;", "by its path"});
}

}  // namespace
}  // namespace handmill::gguf
