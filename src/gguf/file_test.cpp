// What a valid file reads as: every value type through every typed read, tensors, lookups, and how
// values of other kinds are refused.
#include "gguf/file.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "gguf/samples.h"
#include "gguf/test_files.h"
#include "gguf/touch.h"

namespace handmill::gguf {
namespace {

class FullFile : public testing::Test {
 protected:
  void SetUp() override {
    auto parsed = File::parse(sample_.bytes, "full.gguf");
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    file_ = std::move(*parsed);
  }
  Sample sample_ = full_sample();
  File file_;
};

TEST(File, ReadsEverySample) {
  for (const Sample& sample : samples()) {
    auto file = File::parse(sample.bytes, sample.name);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->bytes(), sample.bytes.size());
    EXPECT_EQ(file->version(), sample.name == "v2" ? 2u : 3u);
    EXPECT_GT(touch(*file), 0u);
  }
}

TEST_F(FullFile, UnsignedReadsTakeAnyIntegerThatFits) {
  EXPECT_EQ(*file_.get_uint("u8"), 255u);
  EXPECT_EQ(*file_.get_uint("u16"), 65535u);
  EXPECT_EQ(*file_.get_uint("u32"), UINT32_MAX);
  EXPECT_EQ(*file_.get_uint("u64"), UINT64_MAX);
  EXPECT_EQ(*file_.get_uint("general.alignment"), 64u);
  for (auto [key, value] : {std::pair{"i8", "is -128"},
                            {"i16", "is -32768"},
                            {"i32", "is -2147483648"},
                            {"i64", "is -9223372036854775808"}})
    expect_error(file_.get_uint(key), Code::kInvalid, "full.gguf", {key, value, "at byte"});
}

TEST_F(FullFile, SignedReadsTakeAnyIntegerThatFits) {
  EXPECT_EQ(*file_.get_int("i8"), -128);
  EXPECT_EQ(*file_.get_int("i16"), -32768);
  EXPECT_EQ(*file_.get_int("i32"), INT32_MIN);
  EXPECT_EQ(*file_.get_int("i64"), INT64_MIN);
  EXPECT_EQ(*file_.get_int("u32"), int64_t{UINT32_MAX});
  expect_error(file_.get_int("u64"), Code::kInvalid, "full.gguf",
               {"\"u64\"", "is 18446744073709551615"});
}

TEST_F(FullFile, OtherScalars) {
  EXPECT_EQ(*file_.get_float("f32"), static_cast<double>(0.1f));
  EXPECT_EQ(*file_.get_float("f64"), 0.1);
  EXPECT_EQ(*file_.get_float("i16"), -32768.0);
  EXPECT_TRUE(*file_.get_bool("bool"));
  EXPECT_EQ(*file_.get_string("string"), "mill\n\xff");
}

TEST_F(FullFile, Arrays) {
  using Ints = std::vector<int64_t>;
  EXPECT_EQ(*file_.get_ints("u8s"), (Ints{0, 7, 255}));
  EXPECT_EQ(*file_.get_ints("i8s"), (Ints{-128, 127}));
  EXPECT_EQ(*file_.get_ints("u16s"), (Ints{65535}));
  EXPECT_EQ(*file_.get_ints("i16s"), (Ints{-1, 1}));
  EXPECT_EQ(*file_.get_ints("u32s"), (Ints{0, UINT32_MAX}));
  EXPECT_EQ(*file_.get_ints("i32s"), (Ints{INT32_MIN, INT32_MAX}));
  EXPECT_EQ(*file_.get_ints("u64s"), (Ints{1, INT64_MAX}));
  EXPECT_EQ(*file_.get_ints("i64s"), (Ints{INT64_MIN, INT64_MAX}));
  EXPECT_EQ(*file_.get_ints("bools"), (Ints{1, 0, 1}));
  EXPECT_EQ(*file_.get_floats("f32s"), (std::vector<float>{0.5f, -INFINITY, 0.1f}));
  EXPECT_EQ(*file_.get_floats("f64s"), (std::vector<float>{0.25f, -1.0f}));
  EXPECT_EQ(*file_.get_strings("strings"),
            (std::vector<std::string_view>{"", "a", "a longer piece"}));
  EXPECT_TRUE(file_.get_floats("none")->empty());
  EXPECT_TRUE(file_.get_strings("no strings")->empty());
}

TEST_F(FullFile, AnArrayElementThatDoesNotFitIsNamed) {
  Writer w;
  w.set_array<uint64_t>("big", std::array<uint64_t, 2>{1, uint64_t{1} << 63});
  const auto bytes = w.bytes();
  auto file = File::parse(bytes, "x");
  ASSERT_TRUE(file.ok());
  expect_error(file->get_ints("big"), Code::kInvalid, "x", {"\"big\"", "element 1", "at byte"});
}

TEST_F(FullFile, ValuesOfAnotherKindAreRefusedNamingBoth) {
  auto refuse = [](const auto& result, std::string_view is, std::string_view wanted) {
    expect_error(result, Code::kInvalid, "full.gguf", {is, wanted, "at byte"});
  };
  refuse(file_.get_uint("string"), "is string", "an integer");
  refuse(file_.get_uint("f32"), "is float32", "an integer");
  refuse(file_.get_uint("bool"), "is bool", "an integer");
  refuse(file_.get_uint("u32s"), "is array of uint32", "an integer");
  refuse(file_.get_int("f64"), "is float64", "an integer");
  refuse(file_.get_float("string"), "is string", "a float");
  refuse(file_.get_float("bool"), "is bool", "a float");
  refuse(file_.get_bool("u8"), "is uint8", "bool");
  refuse(file_.get_string("u8s"), "is array of uint8", "string");
  refuse(file_.get_string("strings"), "is array of string", "string");
  refuse(file_.get_strings("string"), "is string", "array of string");
  refuse(file_.get_strings("i8s"), "is array of int8", "array of string");
  refuse(file_.get_ints("f32s"), "is array of float32", "array of integers");
  refuse(file_.get_ints("strings"), "is array of string", "array of integers");
  refuse(file_.get_ints("u32"), "is uint32", "array of integers");
  refuse(file_.get_floats("i32s"), "is array of int32", "array of floats");
  refuse(file_.get_floats("f32"), "is float32", "array of floats");
}

TEST_F(FullFile, MissingKeysAreNotFound) {
  EXPECT_FALSE(file_.has("U8"));
  EXPECT_EQ(file_.find(""), nullptr);
  auto missing = [](const auto& result) {
    expect_error(result, Code::kNotFound, "full.gguf", {"\"llama.x\"", "missing"});
  };
  missing(file_.get_uint("llama.x"));
  missing(file_.get_int("llama.x"));
  missing(file_.get_float("llama.x"));
  missing(file_.get_bool("llama.x"));
  missing(file_.get_string("llama.x"));
  missing(file_.get_strings("llama.x"));
  missing(file_.get_ints("llama.x"));
  missing(file_.get_floats("llama.x"));
}

TEST_F(FullFile, TensorsHaveShapeTypeAndBytes) {
  ASSERT_EQ(file_.tensors().size(), 3u);
  const Tensor* a = file_.find_tensor("a");
  const Tensor* b = file_.find_tensor("b");
  const Tensor* c = file_.find_tensor("c");
  ASSERT_TRUE(a != nullptr && b != nullptr && c != nullptr);
  EXPECT_EQ(file_.find_tensor("d"), nullptr);
  EXPECT_EQ(a->shape, (std::array<uint64_t, 4>{8, 4, 1, 1}));
  EXPECT_EQ(a->n_dims, 2);
  EXPECT_EQ(b->shape, (std::array<uint64_t, 4>{32, 1, 1, 1}));
  EXPECT_EQ(b->format->type, tensor::Type::kQ4_0);
  EXPECT_EQ(c->shape, (std::array<uint64_t, 4>{1, 2, 3, 1}));
  EXPECT_EQ(c->n_dims, 4);
  EXPECT_EQ(c->cols(), 1u);
  EXPECT_EQ(c->rows(), 6u);
  auto holds = [](const Tensor& tensor, const std::vector<uint8_t>& data) {
    return std::equal(tensor.data.begin(), tensor.data.end(), data.begin(), data.end());
  };
  EXPECT_TRUE(holds(*a, pattern(128)));
  EXPECT_TRUE(holds(*b, pattern(18, 50)));
  EXPECT_TRUE(holds(*c, pattern(12, 99)));
}

TEST_F(FullFile, MovingKeepsViews) {
  const Entry* before = file_.find("string");
  const File moved = std::move(file_);
  EXPECT_EQ(moved.find("string"), before);
  EXPECT_EQ(*moved.get_string("string"), "mill\n\xff");
  EXPECT_EQ(File().find("string"), nullptr);
}

TEST(File, OpensAPathAndKeepsItsMapping) {
  TempFolder folder;
  const Sample sample = full_sample();
  auto file = File::open(folder.file("m.gguf", sample.bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  std::filesystem::remove(folder / "m.gguf");  // the mapping outlives the name
  auto parsed = File::parse(sample.bytes, "m");
  EXPECT_EQ(touch(*file) - file->path().size(), touch(*parsed) - parsed->path().size());
  EXPECT_EQ(file->path(), folder / "m.gguf");
}

}  // namespace
}  // namespace handmill::gguf
