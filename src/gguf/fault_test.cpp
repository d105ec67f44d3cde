// Every way in which a GGUF file can be wrong, one case each: the error names file, field and
// offset, and what would be right.
#include <bit>
#include <functional>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "gguf/samples.h"
#include "gguf/test_files.h"

namespace handmill::gguf {
namespace {

/// A valid file, one number of which is changed.
class Fault : public testing::Test {
 protected:
  void refuse(std::string_view field, uint64_t value, Code code,
              std::initializer_list<std::string_view> parts) {
    const FieldMap map(sample_.bytes);
    auto bytes = sample_.bytes;
    put_number(bytes, map[field], value);
    SCOPED_TRACE(std::string(field) + " = " + std::to_string(value));
    auto file = File::parse(bytes, "bad.gguf");
    expect_error(file, code, "bad.gguf", parts);
    expect_error(file, code, "bad.gguf", {"at byte " + std::to_string(map[field].offset) + ": "});
  }
  Sample sample_ = full_sample();
};

TEST_F(Fault, Magic) {
  refuse("magic", 0x46474c46, Code::kInvalid, {"magic", "\"FLGF\"", "\"GGUF\""});
  refuse("magic", 0, Code::kInvalid, {"magic", "\\x00"});
}

TEST_F(Fault, Version) {
  auto refuse_version = [&](uint32_t version, std::initializer_list<std::string_view> parts) {
    refuse("version", version, Code::kUnsupported, parts);
  };
  refuse_version(0, {"version", ": 0; versions 2 and 3"});
  refuse_version(1, {"version", ": 1; versions 2 and 3", "convert it anew"});
  refuse_version(4, {"version", ": 4; versions 2 and 3"});
  refuse_version(UINT32_MAX, {"version", "4294967295"});
  refuse_version(__builtin_bswap32(3), {"version", "big-endian", "version 3"});
  refuse_version(__builtin_bswap32(2), {"version", "big-endian", "version 2"});
}

TEST_F(Fault, Counts) {
  for (uint64_t n : {uint64_t{1} << 31, uint64_t{1} << 61, uint64_t{1} << 63, UINT64_MAX,
                     UINT64_MAX / 33 + 1, uint64_t{1000}}) {
    refuse("tensor count", n, Code::kInvalid, {"tensor count", std::to_string(n), "hold at most"});
    refuse("metadata count", n, Code::kInvalid,
           {"metadata count", std::to_string(n), "hold at most"});
  }
  // Each count fits alone, both together do not.
  Writer w;
  w.set<uint8_t>("k", 1);
  auto bytes = w.bytes();
  bytes.resize(24 + 70);
  const FieldMap map(bytes);
  put_number(bytes, map["tensor count"], 2);
  put_number(bytes, map["metadata count"], 5);
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"metadata count at byte 16: 5", "with 2 tensors", "70 bytes"});
}

TEST_F(Fault, FewerEntriesThanThereAre) {
  // What follows is then read as tensors, and makes no sense as such.
  auto bytes = sample_.bytes;
  put_number(bytes, FieldMap(bytes)["metadata count"], 3);
  EXPECT_FALSE(File::parse(bytes, "f").ok());
}

TEST_F(Fault, CountsAboveTheLimits) {
  std::vector<uint8_t> bytes = Writer().bytes();
  bytes.resize(40 << 20);
  put_number(bytes, {"", 8, 8}, kMaxTensors + 1);
  expect_error(File::parse(bytes, "f"), Code::kLimit, "f",
               {"tensor count at byte 8", "262145", "at most 262144"});
  put_number(bytes, {"", 8, 8}, 0);
  put_number(bytes, {"", 16, 8}, kMaxEntries + 1);
  expect_error(File::parse(bytes, "f"), Code::kLimit, "f",
               {"metadata count at byte 16", "65537", "at most 65536"});
}

TEST_F(Fault, Lengths) {
  for (uint64_t n : {UINT64_MAX, UINT64_MAX - 7, uint64_t{1} << 63, uint64_t{1} << 61,
                     uint64_t{1} << 31, uint64_t{5000}}) {
    const std::string is = "length " + std::to_string(n);
    refuse("u8 key length", n, Code::kInvalid, {"metadata entry 1 key", is, "bytes are left"});
    refuse("string value length", n, Code::kInvalid, {"\"string\" value", is, "bytes are left"});
    refuse("tensor b name length", n, Code::kInvalid, {"tensor 1 name", is, "bytes are left"});
    const FieldMap map(sample_.bytes);
    auto bytes = sample_.bytes;
    put_number(bytes, map["strings element 2 length"], n);
    expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
                 {"\"strings\" array elements at byte ", "string 2 has " + is});
    refuse("u64s array length", n, Code::kInvalid, {"\"u64s\" array length", "hold at most"});
    refuse("strings array length", n, Code::kInvalid, {"\"strings\" array length", "hold at most"});
  }
  refuse("u8 key length", 0, Code::kInvalid, {"metadata entry 1 key", "empty"});
  refuse("tensor b name length", 0, Code::kInvalid, {"tensor 1 name", "empty"});
}

TEST_F(Fault, KeysAndNamesAboveTheLimits) {
  Writer w;
  w.set<uint8_t>(std::string(kMaxKeyBytes, 'k'), 1);
  auto bytes = w.bytes();
  EXPECT_TRUE(File::parse(bytes, "f").ok());
  w.set<uint8_t>(std::string(kMaxKeyBytes + 1, 'k'), 1);
  bytes = w.bytes();
  expect_error(File::parse(bytes, "f"), Code::kLimit, "f",
               {"metadata entry 1 key at byte ", "length 65536", "at most 65535"});
  bytes = sample_.bytes;
  bytes.resize(bytes.size() + 2000);
  put_number(bytes, FieldMap(bytes)["tensor a name length"], kMaxNameBytes + 1);
  expect_error(File::parse(bytes, "f"), Code::kLimit, "f",
               {"tensor 0 name at byte ", "length 1025", "at most 1024"});
}

TEST_F(Fault, ValueTypes) {
  for (uint64_t type : {uint64_t{13}, uint64_t{0x80000000}, uint64_t{UINT32_MAX}}) {
    const std::string is = ": " + std::to_string(type) + "; 0 to 12";
    refuse("u8 value type", type, Code::kInvalid, {"metadata entry 1 \"u8\" value type", is});
    refuse("u8s element type", type, Code::kInvalid, {"\"u8s\" array element type", is});
  }
  refuse("u8s element type", 9, Code::kUnsupported,
         {"\"u8s\" array element type", "array of arrays"});
}

TEST_F(Fault, Bools) {
  refuse("bool value", 2, Code::kInvalid, {"\"bool\" value", "bool 2", "0 or 1"});
  refuse("bools element 2", 255, Code::kInvalid, {"\"bools\" array elements", "bool 255"});
}

TEST_F(Fault, DuplicateKeys) {
  const FieldMap map(sample_.bytes);
  auto bytes = sample_.bytes;
  const size_t key = map["u16 key length"].offset + 8;
  bytes[key] = 'i';  // "i16" is there as well, but later
  const size_t twice = map["i16 key length"].offset + 8;
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"metadata entry 4 \"i16\" key at byte " + std::to_string(twice), "earlier entry"});
}

TEST_F(Fault, OfTwoDuplicateKeysTheFirstIsNamed) {
  Writer w;
  for (const char* key : {"a", "b", "y", "z"}) w.set<uint8_t>(key, 1);
  auto bytes = w.bytes();
  const FieldMap map(bytes);
  bytes[map["b key length"].offset + 8] = 'a';
  bytes[map["z key length"].offset + 8] = 'y';
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f", {"metadata entry 1 \"a\" key"});
}

TEST_F(Fault, DuplicateTensorNames) {
  auto bytes = sample_.bytes;
  const size_t name = FieldMap(bytes)["tensor c name length"].offset + 8;
  bytes[name] = 'a';
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"tensor 2 \"a\" name at byte " + std::to_string(name), "earlier tensor"});
}

TEST_F(Fault, Alignment) {
  for (uint64_t n : {uint64_t{0}, uint64_t{3}, uint64_t{48}, uint64_t{UINT32_MAX}})
    refuse("general.alignment value", n, Code::kInvalid,
           {"\"general.alignment\" value", ": " + std::to_string(n) + ";", "power of two"});
  // A greater alignment than the tensors were placed by; and one that leaves no data section.
  const FieldMap map(sample_.bytes);
  auto bytes = sample_.bytes;
  put_number(bytes, map["general.alignment value"], 256);
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"tensor 1 \"b\" offset at byte ", ": 128;", "256"});
  put_number(bytes, map["general.alignment value"], 0x80000000);
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f", {"tensor 1 \"b\" offset at byte "});
  Writer text;
  text.set_string("general.alignment", "32");
  bytes = text.bytes();
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"\"general.alignment\" value at byte ", "is string", "uint32 would be right"});
  Writer w;
  w.set<uint8_t>("first", 1);
  w.set<uint64_t>("general.alignment", 32);
  bytes = w.bytes();
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"metadata entry 1 \"general.alignment\" value at byte ", "is uint64",
                "uint32 would be right"});
}

TEST_F(Fault, Dimensions) {
  for (uint64_t n : {uint64_t{0}, uint64_t{5}, uint64_t{255}, uint64_t{UINT32_MAX}})
    refuse("tensor a dimension count", n, Code::kInvalid,
           {"tensor 0 \"a\" dimension count", ": " + std::to_string(n) + "; 1 to 4"});
  refuse("tensor a dimension 0", 0, Code::kInvalid, {"tensor 0 \"a\" dimension", "at least 1"});
  refuse("tensor a dimension 1", 0, Code::kInvalid, {"tensor 0 \"a\" dimension", "dimension 1"});
  refuse("tensor b dimension 0", 31, Code::kInvalid,
         {"tensor 1 \"b\" dimension", "31 columns", "q4_0", "multiple of 32"});
}

TEST_F(Fault, SizesThatOverflow) {
  // 8 columns of f32 make 32 bytes: 2^59 rows wrap 64 bits, 2^58 are exabytes but do not.
  for (uint64_t rows :
       {uint64_t{1} << 59, uint64_t{1} << 60, uint64_t{1} << 61, uint64_t{1} << 63, UINT64_MAX}) {
    const FieldMap map(sample_.bytes);
    auto bytes = sample_.bytes;
    put_number(bytes, map["tensor a dimension 1"], rows);
    const size_t shape = map["tensor a dimension 0"].offset;
    expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
                 {"tensor 0 \"a\" dimension at byte " + std::to_string(shape) + ":", "64 bits"});
  }
  const FieldMap map(sample_.bytes);
  auto bytes = sample_.bytes;
  put_number(bytes, map["tensor a dimension 1"], uint64_t{1} << 58);
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"tensor 0 \"a\" offset at byte ", std::to_string(uint64_t{1} << 63)});
  // Blocks of 32 in 18 bytes: the bytes fit into 64 bits, the elements do not.
  put_number(bytes = sample_.bytes, map["tensor b dimension 0"], uint64_t{1} << 63);
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"tensor 1 \"b\" dimension", "64 bits"});
  Writer w;
  const auto block = pattern(18);
  must(w.add_tensor("q", tensor::Type::kQ4_0, std::array<uint64_t, 2>{32, 1}, block));
  auto quantized = w.bytes();
  const FieldMap q(quantized);
  put_number(quantized, q["tensor q dimension 0"], uint64_t{1} << 63);
  put_number(quantized, q["tensor q dimension 1"], 2);
  expect_error(File::parse(quantized, "f"), Code::kInvalid, "f",
               {"tensor 0 \"q\" dimension", "64 bits"});
  // Products that wrap in the third and fourth dimension.
  for (const char* field :
       {"tensor c dimension 1", "tensor c dimension 2", "tensor c dimension 3"}) {
    put_number(bytes = sample_.bytes, map[field], uint64_t{1} << 63);
    expect_error(File::parse(bytes, "f"), Code::kInvalid, "f", {"tensor 2 \"c\" dimension"});
  }
}

TEST_F(Fault, SizesWhoseSumOverflows) {
  // Two tensors of 2^63-64 bytes, each alone below 2^63 (CVE-2025-53630).
  auto bytes = sample_.bytes;
  const FieldMap map(bytes);
  const uint64_t huge = (uint64_t{1} << 63) - 64;
  for (const char* name : {"tensor a", "tensor b"}) {
    put_number(bytes, map[std::string(name) + " type"], 0);
    put_number(bytes, map[std::string(name) + " dimension 0"], huge / 4);
  }
  put_number(bytes, map["tensor a dimension 1"], 1);
  put_number(bytes, map["tensor b offset"], huge);
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f", {"tensor 0 \"a\" offset at byte "});
}

TEST_F(Fault, OffsetAndSizeWhoseSumOverflows) {
  auto bytes = sample_.bytes;
  const FieldMap map(bytes);
  put_number(bytes, map["tensor b type"], 0);
  put_number(bytes, map["tensor b dimension 0"], (uint64_t{1} << 62) - 32);  // 2^64-128 bytes
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"tensor 1 \"b\" offset at byte ", ": 128 and 18446744073709551488 bytes"});
}

TEST_F(Fault, AnOverlapOfOneByte) {
  Writer w(3, 1);
  const auto data = pattern(4);
  must(w.add_tensor("a", tensor::Type::kF16, std::array<uint64_t, 1>{2}, data));
  must(w.add_tensor("b", tensor::Type::kF16, std::array<uint64_t, 1>{2}, data));
  auto bytes = w.bytes();
  EXPECT_TRUE(File::parse(bytes, "f").ok());
  put_number(bytes, FieldMap(bytes)["tensor b offset"], 3);
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"tensor 1 \"b\" offset at byte ", "3 lies inside the 4 bytes of tensor \"a\""});
}

TEST_F(Fault, TensorTypes) {
  auto refuse_type = [&](uint64_t type, std::string_view is) {
    refuse("tensor b type", type, Code::kUnsupported,
           {"tensor 1 \"b\" type", is, "supported: ", "f32, ", "q4_k, ", "mxfp4"});
  };
  refuse_type(16, "iq2_xxs (number 16)");
  refuse_type(9, "q8_1 (number 9)");
  refuse_type(77, "unknown (number 77)");
  refuse_type(0x80000000, "unknown (number 2147483648)");
  refuse_type(UINT32_MAX, "unknown (number 4294967295)");
}

TEST_F(Fault, Offsets) {
  refuse("tensor b offset", 1, Code::kInvalid, {"tensor 1 \"b\" offset", "multiple of", "64"});
  for (uint64_t n : {uint64_t{1} << 20, uint64_t{1} << 31, uint64_t{1} << 63, UINT64_MAX - 63})
    refuse("tensor b offset", n, Code::kInvalid,
           {"tensor 1 \"b\" offset", ": " + std::to_string(n), "the data section"});
  refuse("tensor b offset", 64, Code::kInvalid,
         {"tensor 1 \"b\" offset", "64 lies inside the 128 bytes of tensor \"a\" at offset 0"});
  refuse("tensor c offset", 128, Code::kInvalid,
         {"tensor 2 \"c\" offset", "inside the 18 bytes of tensor \"b\""});
}

TEST_F(Fault, ATensorMayNotReachOneByteBeyondTheFile) {
  auto bytes = sample_.bytes;
  const size_t end = bytes.size() - 64 + 12;  // of the last tensor's data
  bytes.resize(end);
  EXPECT_TRUE(File::parse(bytes, "f").ok());
  bytes.resize(end - 1);
  expect_error(File::parse(bytes, "f"), Code::kInvalid, "f",
               {"tensor 2 \"c\" offset at byte ", "12 bytes", "cut short"});
}

TEST_F(Fault, TerminalsAreSafeFromKeysAndNames) {
  auto bytes = sample_.bytes;
  const FieldMap map(bytes);
  bytes[map["tensor c name length"].offset + 8] = 0x1b;
  put_number(bytes, map["tensor c type"], 99);
  expect_error(File::parse(bytes, "f"), Code::kUnsupported, "f", {"tensor 2 \"\\x1b\" type"});
}

TEST(FaultOnDisk, WhatIsNoFileIsRefused) {
  TempFolder folder;
  const std::string fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  expect_error(File::open(fifo), Code::kInvalid, fifo, {"not a regular file"});
  expect_error(File::open("/dev/zero"), Code::kInvalid, "/dev/zero", {"not a regular file"});
  expect_error(File::open("/"), Code::kInvalid, "/", {"not a regular file"});
  const std::string none = folder / "none.gguf";
  expect_error(File::open(none), Code::kNotFound, none, {"cannot open"});
  const std::string empty = folder.file("empty.gguf", std::string_view());
  expect_error(File::open(empty), Code::kInvalid, empty, {"magic at byte 0", "0 bytes are left"});
}

TEST(FaultOnDisk, ErrorsNameThePath) {
  TempFolder folder;
  auto bytes = full_sample().bytes;
  put_number(bytes, FieldMap(bytes)["version"], 9);
  const std::string path = folder.file("m.gguf", bytes);
  expect_error(File::open(path), Code::kUnsupported, path, {"version at byte 4: 9"});
}

}  // namespace
}  // namespace handmill::gguf
