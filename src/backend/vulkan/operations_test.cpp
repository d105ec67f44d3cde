// The Vulkan backend's operations against the scalar kernels and double arithmetic, and the same
// bits for every number of rows; under the validation layer, which must have nothing to say.
#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/test_attention.h"
#include "backend/test_layer.h"
#include "backend/vulkan/test_device.h"
#include "backend/vulkan/vulkan_backend.h"

namespace handmill::backend {
namespace {

using test::kTokens;
using test::layer;
using test::nmse;

std::vector<double> doubles(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}
bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class VulkanFormats : public testing::TestWithParam<tensor::Format> {};

TEST_P(VulkanFormats, ProductsAreThoseOfTheScalarKernels) {
  const auto device = test::vulkan_backend({.unmapped = true});
  if (device == nullptr) GTEST_SKIP();
  const tensor::Format& format = GetParam();
  CpuBackend scalar(scalar_kernels(), 2);
  // The last panel has rows past the end; blocks of 256 make whole tiles, others a short one.
  const size_t rows = 83, cols = format.block_cols == 256 ? 1536 : 1184, n = 70;
  const auto data = test::random_rows(format, rows, cols, 3);
  const auto values = test::random_floats(n * cols, 4), weight = test::random_floats(cols, 5),
             bias = test::random_floats(rows, 6);
  const bool is_float = format.group_cols == 0;
  auto product = [&](Backend& backend, size_t first, size_t count, bool fine) {
    const auto w = std::move(*backend.pack(format, data, rows, cols, {}, {}));
    auto x =
        test::make(backend, {values.begin() + long(first * cols), values.end()}, n - first, cols);
    auto norm = test::make(backend, weight, 1, cols), b = test::make(backend, bias, 1, rows);
    auto out = std::move(*backend.array(count, rows));
    auto in = std::move(
        *backend.activations(count, cols, {.codes = !is_float, .fine = fine, .floats = is_float}));
    backend.norm(*x, *norm, 1e-6f, {}, static_cast<int>(count), *in);
    const Linear one{w.get(), b.get(), out.get()};
    backend.linear(*in, static_cast<int>(count), {&one, 1});
    std::vector<float> result(count * rows);
    backend.read(*out, 0, result);
    EXPECT_TRUE(backend.fault().ok()) << backend.fault().error().message;
    return result;
  };
  for (const bool fine : {false, true}) {
    const auto expected = product(scalar, 0, n, fine), got = product(*device, 0, n, fine);
    EXPECT_LT(nmse(got, doubles(expected)), 1e-7);
    for (const size_t count : {size_t{1}, size_t{7}, size_t{13}, size_t{32}}) {
      const size_t first = n - count - 1;
      const auto alone = product(*device, first, count, fine);
      EXPECT_TRUE(same(
          alone, {got.begin() + long(first * rows), got.begin() + long((first + count) * rows)}))
          << count << " rows";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, VulkanFormats,
                         testing::ValuesIn(tensor::formats().begin(), tensor::formats().end()),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(VulkanOperations, ALayerIsThatOfTheScalarKernelsAndTheSameBitsForEveryBatch) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  for (const auto activation : {Activation::kSilu, Activation::kGeluTanh})
    for (const auto type : {tensor::Type::kF32, tensor::Type::kQ8_0, tensor::Type::kQ4_1}) {
      const bool fine = type == tensor::Type::kQ8_0;
      CpuBackend scalar(scalar_kernels(), 1);
      const auto got = layer(*device, kTokens, type, activation, fine);
      // A code that rounds the other way is a 127th of its group's largest.
      EXPECT_LT(nmse(got, doubles(layer(scalar, kTokens, type, activation, fine))),
                type == tensor::Type::kF32 ? 1e-11 : 1e-6);
      for (const size_t n : {size_t{1}, size_t{2}, size_t{16}})
        EXPECT_TRUE(same(layer(*device, n, type, activation, fine), got)) << n << " rows";
    }
  EXPECT_TRUE(device->fault().ok()) << device->fault().error().message;
}

TEST(VulkanOperations, WhatWasFetchedIsAsItWasThen) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  const size_t n = 6, cols = 64;
  const auto first = test::random_floats(n * cols, 1), second = test::random_floats(n * cols, 2);
  auto x = test::make(*device, first, n, cols), y = test::make(*device, second, n, cols);
  std::vector<float> fetched(n * cols), tail(cols), other(n * cols), sum(n * cols), twice(cols);
  device->fetch(*x, 0, fetched);
  device->fetch(*x, n - 1, tail);
  device->fetch(*y, 0, other);
  device->add(*y, n, *x);
  device->read(*x, 0, sum);
  device->fetch(*x, n - 1, twice);
  device->add(*y, n, *x);
  std::vector<float> again(cols);
  device->fetch(*x, n - 1, again);
  device->wait();
  EXPECT_EQ(fetched, first);
  EXPECT_TRUE(std::equal(tail.begin(), tail.end(), first.end() - cols));
  EXPECT_EQ(other, second);
  for (size_t i = 0; i < sum.size(); ++i) ASSERT_EQ(sum[i], first[i] + second[i]);
  EXPECT_TRUE(std::equal(twice.begin(), twice.end(), sum.end() - cols));
  for (size_t i = 0; i < cols; ++i) ASSERT_EQ(again[i], twice[i] + second[(n - 1) * cols + i]) << i;
  EXPECT_TRUE(device->fault().ok()) << device->fault().error().message;
}

class VulkanAttend : public testing::TestWithParam<test::Case> {};

TEST_P(VulkanAttend, AgreesWithDoubleArithmeticHoweverItIsCutAndShared) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  const test::Case c = GetParam();
  const test::Inputs in(c);
  const auto got = test::run(c, in, *device, c.positions, 1);
  // Half precision keeps 11 bits of a key or value; int8 about 7.
  EXPECT_LT(nmse(got, test::reference(c, in)), c.type == KvType::kF16 ? 5e-7 : 3e-4);
  for (const auto& [chunk, copies] : {std::pair{512, 1}, {64, 2}, {130, 3}, {3, 1}}) {
    if (chunk == 3 && c.positions > 300) continue;
    EXPECT_TRUE(same(test::run(c, in, *device, chunk, copies), got))
        << "chunks of " << chunk << ", " << copies << " sequences";
  }
  EXPECT_TRUE(device->fault().ok()) << device->fault().error().message;
}

INSTANTIATE_TEST_SUITE_P(Shapes, VulkanAttend, testing::ValuesIn(test::kCases));

TEST(VulkanAttend, ALongContextDecodesToTheSameBits) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  for (const KvType type : {KvType::kF16, KvType::kQ8_0})
    for (const int window : {0, 300}) {
      const test::Case c{4, 2, 32, window, 600, type, false, false};
      const test::Inputs in(c);
      const auto whole = test::run(c, in, *device, c.positions, 1);
      EXPECT_TRUE(same(test::run(c, in, *device, 4, 2), whole));
    }
}

// What an emulated product of four bytes gives is what the instruction gives.
TEST(VulkanOperations, DoWithoutTheInt8DotProduct) {
  auto devices = std::move(*list_vulkan_devices());
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  VulkanDevice& plain_device = devices.front();
  plain_device.int8_dot = false;
  const auto plain = std::move(*make_vulkan_backend(plain_device, {}));
  for (const auto type : {tensor::Type::kQ8_0, tensor::Type::kQ4_1})
    for (const size_t n : {size_t{1}, kTokens})
      EXPECT_TRUE(same(layer(*plain, n, type, Activation::kSilu),
                       layer(*device, n, type, Activation::kSilu)));
}

TEST(VulkanOperations, RoofsAreMeasuredBesideOtherWork) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  auto x = test::make(*device, test::random_floats(64, 1), 1, 64);
  const auto roofs = device->measure_roofs();
  ASSERT_TRUE(roofs.ok()) << roofs.error().message;
  EXPECT_GT(roofs->read_bytes_s, 1e6);
  EXPECT_GT(roofs->int8_ops_s, 1e6);
  std::vector<float> row(64);
  device->read(*x, 0, row);
  EXPECT_EQ(row, test::random_floats(64, 1));
  EXPECT_TRUE(device->fault().ok()) << device->fault().error().message;
}

// A step of decode is recorded once for every chunk of keys.
TEST(VulkanOperations, ASteadyStepIsReplayed) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  const auto& vulkan = static_cast<const vulkan::VulkanBackend&>(*device);
  constexpr int kDim = 32;
  auto q = std::move(*device->array(1, kDim)), k = std::move(*device->array(1, kDim));
  auto angles = std::move(*device->array(1, kDim));
  auto out = std::move(*device->activations(1, kDim, {.floats = true}));
  const auto store = std::move(*device->kv_store({1, 1, kDim, KvType::kF16}, 8));
  const Rope rope{.dims = kDim, .frequency = std::vector<double>(kDim / 2, 0.5)};
  const Attention attention{
      .heads = 1, .kv_heads = 1, .head_dim = kDim, .scale = 1, .rope_dims = kDim};
  const std::vector<int32_t> table{3, 1, 4, 0, 5, 2, 6, 7};
  std::vector<float> row(kDim, 1.0f);
  auto step = [&](int32_t position) {
    const int32_t sequence = 0;
    const std::span<const int32_t> blocks(table.data(), size_t(position) / kKvBlock + 1);
    row[0] = static_cast<float>(position);
    device->write(*q, 0, row);
    device->write(*k, 0, row);
    device->angles(rope, {&position, 1}, *angles);
    device->attend(attention, {{&position, 1}, {&sequence, 1}, {&blocks, 1}}, *angles, *q, *k, *k,
                   *store, 0, *out);
    device->read(*q, 0, row);
  };
  int32_t position = 0;
  while (position < 3) step(position++);
  const uint64_t recorded = vulkan.recordings();
  while (position < 256) step(position++);
  EXPECT_EQ(vulkan.recordings(), recorded);
  while (position < 258) step(position++);
  const uint64_t second = vulkan.recordings();
  EXPECT_GT(second, recorded) << "a second chunk of keys";
  while (position < 300) step(position++);
  EXPECT_EQ(vulkan.recordings(), second);
  EXPECT_TRUE(device->fault().ok()) << device->fault().error().message;
}

}  // namespace
}  // namespace handmill::backend
