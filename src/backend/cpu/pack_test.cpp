// Packing: what is kept of it can be taken up again, and its bytes are those of its version.
#include <algorithm>
#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/test_data.h"
#include "base/checksum.h"

namespace handmill::backend {
namespace {

/// 83 rows of three blocks: the last panel has rows past the end, the last tile may be short.
std::vector<uint8_t> rows_of(const tensor::Format& format) {
  return test::random_rows(format, 83, 3 * static_cast<size_t>(format.block_cols), 5);
}

TEST(Pack, WhatWasKeptIsTheSameMatrix) {
  CpuBackend backend(scalar_kernels(), 2);
  for (const tensor::Format& format : tensor::formats()) {
    const size_t cols = 3 * static_cast<size_t>(format.block_cols);
    const auto packed = std::move(*backend.pack(format, rows_of(format), 83, cols, {}, {}));
    const std::span<const uint8_t> bytes = packed->packed();
    EXPECT_EQ(bytes.size(), backend.packed_bytes(format, 83, cols)) << format.name;
    const auto owner = std::make_shared<int>();
    auto adopted = backend.adopt(format, 83, cols, {}, {bytes, owner});
    ASSERT_TRUE(adopted.ok()) << format.name;
    EXPECT_EQ((*adopted)->packed().data(), bytes.data());
    EXPECT_EQ((*adopted)->packed().size(), bytes.size());
    EXPECT_EQ((*adopted)->is_float(), packed->is_float());
    EXPECT_EQ(owner.use_count(), 2);
    EXPECT_FALSE(backend.adopt(format, 83, cols, {}, {bytes.first(bytes.size() - 1), owner}).ok());
    EXPECT_FALSE(backend.adopt(format, 0, cols, {}, {{}, owner}).ok());
    adopted = base::Error{};
    EXPECT_EQ(owner.use_count(), 1);
  }
}

TEST(Pack, OtherBytesAreAnotherVersion) {
  CpuBackend backend(scalar_kernels(), 1);
  std::mt19937 random(7);
  uint64_t sum = 0;
  for (const tensor::Format& format : tensor::formats()) {
    std::vector<uint8_t> data(83 * 3 * static_cast<size_t>(format.block_bytes));
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random() % 0x3c);  // no half overflows
    const size_t cols = 3 * static_cast<size_t>(format.block_cols);
    sum = base::checksum((*backend.pack(format, data, 83, cols, {}, {}))->packed(), sum);
  }
  // Where this fails, files that were written before hold other bytes: raise kPanelVersion.
  EXPECT_EQ(kPanelVersion, 1);
  EXPECT_EQ(sum, 18051440524554086718u);
}

}  // namespace
}  // namespace handmill::backend
