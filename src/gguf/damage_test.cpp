// Damage without choosing it: cut at every byte, every number set to every edge value, every byte
// flipped. Whatever comes out is an error with a place or a file that can be read throughout, and
// costs no more memory than a small multiple of its bytes.
#include <gtest/gtest.h>
#include <random>

#include "base/count_allocations.h"
#include "gguf/samples.h"
#include "gguf/test_files.h"
#include "gguf/touch.h"

namespace handmill::gguf {
namespace {

using base::allocated_bytes;

// All bytes ever asked for, not the most at once; the constant is for the text of an error.
constexpr uint64_t kBytesPerFileByte = 8;
constexpr uint64_t kBytesBeside = 4096;

/// Parses what is damaged; true where it still is a file. Checks all that holds in both cases.
bool survives(const std::vector<uint8_t>& bytes) {
  const uint64_t before = allocated_bytes;
  auto file = File::parse(bytes, "d.gguf");
  EXPECT_LE(allocated_bytes - before, kBytesPerFileByte * bytes.size() + kBytesBeside);
  if (file.ok()) {
    EXPECT_GT(touch(*file), 0u);
    for (const Tensor& t : file->tensors()) {
      EXPECT_GE(t.data.data(), bytes.data());
      EXPECT_LE(t.data.data() + t.data.size(), bytes.data() + bytes.size());
    }
    return true;
  }
  EXPECT_TRUE(file.error().message.starts_with("d.gguf: ")) << file.error().message;
  EXPECT_NE(file.error().message.find(" at byte "), std::string::npos) << file.error().message;
  return false;
}

/// Where the last tensor's data, or else the tensor table, ends: what follows is padding.
size_t needed(const std::vector<uint8_t>& bytes) {
  auto file = File::parse(bytes, "d.gguf");
  size_t end = FieldMap(bytes).end();
  for (const Tensor& t : file->tensors())
    end = std::max(end, static_cast<size_t>(t.data.data() + t.data.size() - bytes.data()));
  return end;
}

TEST(Damage, TruncationAtEveryByteIsAnError) {
  for (const Sample& sample : samples()) {
    const size_t end = needed(sample.bytes);
    EXPECT_TRUE(sample.name != "full" || end < sample.bytes.size());
    for (size_t size = 0; size <= sample.bytes.size(); ++size) {
      // Exactly as many bytes in memory: the sanitizer sees any read beyond them.
      const std::vector<uint8_t> cut(sample.bytes.begin(),
                                     sample.bytes.begin() + static_cast<ptrdiff_t>(size));
      EXPECT_EQ(survives(cut), size >= end) << sample.name << " cut to " << size << " bytes";
    }
  }
}

TEST(Damage, EveryNumberAtEveryEdgeValue) {
  constexpr uint64_t k1 = 1;
  const uint64_t edges[] = {0,
                            1,
                            UINT64_MAX,
                            k1 << 31,
                            UINT32_MAX,
                            k1 << 61,
                            k1 << 63,
                            (k1 << 63) - 1,
                            k1 << 32,
                            (k1 << 31) - 1,
                            k1 << 62,
                            2,
                            5,
                            13,
                            33,
                            k1 << 16,
                            0x7fffffffffffffc0};
  for (const Sample& sample : samples()) {
    const FieldMap map(sample.bytes);
    for (const KnownField& field : map.fields()) {
      const bool sizes = field.name.ends_with("count") || field.name.ends_with("length") ||
                         field.name.find("dimension") != std::string::npos ||
                         field.name.ends_with("offset") || field.name.ends_with(" type");
      if (field.name == "split.count value" || field.name == "split.no value") continue;
      for (uint64_t edge : edges) {
        auto bytes = sample.bytes;
        put_number(bytes, field, edge);
        SCOPED_TRACE(sample.name + ": " + field.name + " = " + std::to_string(edge));
        const bool alive = survives(bytes);
        // In four bytes 2^61 is 0, which is no edge; every other number this large is one.
        const uint64_t written = field.size == 4 ? edge & UINT32_MAX : edge;
        EXPECT_FALSE(alive && sizes && written >= k1 << 31);
      }
    }
  }
}

TEST(Damage, EveryBitOfTheHeader) {
  for (const Sample& sample : samples()) {
    const size_t end = FieldMap(sample.bytes).end();
    for (size_t at = 0; at < end; ++at)
      for (int bit = 0; bit < 8; ++bit) {
        auto bytes = sample.bytes;
        bytes[at] ^= static_cast<uint8_t>(1 << bit);
        survives(bytes);
      }
  }
}

TEST(Damage, ManyRandomChangesAtOnce) {
  std::mt19937_64 random(3);
  const auto all = samples();
  for (int round = 0; round < 20000; ++round) {
    auto bytes = all[random() % all.size()].bytes;
    for (uint64_t n = 1 + random() % 4; n > 0; --n)
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    survives(bytes);
  }
}

TEST(Damage, TheSmallestEntriesAndTensorsStayWithinTheBound) {
  Writer w(3, 1);
  const auto data = pattern(2);
  for (int i = 0; i < 1000; ++i) {
    w.set<uint8_t>(std::to_string(i), 1);
    must(w.add_tensor(std::to_string(i), tensor::Type::kF16, std::array<uint64_t, 1>{1}, data));
  }
  EXPECT_TRUE(survives(w.bytes()));
  // The dearest refusal: as many rows promised as the length allows, the last one wrong.
  auto bytes = w.bytes();
  put_number(bytes, FieldMap(bytes)["tensor 999 dimension 0"], 0);
  EXPECT_FALSE(survives(bytes));
}

#if HANDMILL_COUNTS_ALLOCATIONS
TEST(Damage, TheCounterCounts) {
  const uint64_t before = allocated_bytes;
  const std::vector<char> some(1000);
  EXPECT_EQ(allocated_bytes - before, 1000u) << some.size();
}
#endif

TEST(Damage, TypedReadsStayWithinTheBound) {
  Writer w;
  const std::vector<std::string_view> none(5000);
  w.set_strings("strings", none);
  const std::vector<uint8_t> ones(5000, 1);
  w.set_array<uint8_t>("ints", ones);
  const auto bytes = w.bytes();
  auto file = File::parse(bytes, "f");
  ASSERT_TRUE(file.ok());
  const uint64_t before = allocated_bytes;
  EXPECT_EQ(file->get_strings("strings")->size(), 5000u);
  EXPECT_EQ(file->get_ints("ints")->size(), 5000u);
  EXPECT_LE(allocated_bytes - before, 2 * 8 * 5000u + 8 * 5000u + 256);
}

}  // namespace
}  // namespace handmill::gguf
