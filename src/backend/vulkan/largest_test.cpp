// The largest values that a device finds are those that sorting finds, ties and all; where a row is
// no row of numbers it says so.
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>

#include "backend/test_attention.h"
#include "backend/test_largest.h"
#include "backend/vulkan/test_device.h"
#include "backend/vulkan/vulkan_backend.h"

namespace handmill::backend {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Values of any size, or of few steps, so that many are equal; some tokens cannot be.
std::vector<float> random_row(size_t count, std::mt19937& random) {
  const unsigned kind = random() % 4;
  std::vector<float> row(count);
  for (float& value : row) {
    const float any = std::bit_cast<float>(static_cast<uint32_t>(random()));
    const auto step = static_cast<float>(static_cast<int>(random() % 9) - 6);
    value = kind == 0 && std::isfinite(any) ? any : step;
    if (kind == 1) value = value * 100.0f + static_cast<float>(random() % 100);
    if (value == 0.0f && random() % 2 == 0) value = -0.0f;
    if (kind == 2 && random() % 8 != 0) value = -kInfinity;
  }
  return row;
}

struct Found {
  bool all;
  std::vector<Largest> largest;
};

Found find(Backend& device, const Array& array, const std::vector<int32_t>& counts, size_t cols) {
  Found found;
  found.largest.resize(size_t(std::accumulate(counts.begin(), counts.end(), 0)));
  found.all = device.largest(array, counts, cols, found.largest);
  return found;
}

TEST(VulkanLargest, AreThoseOfSorting) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  std::mt19937 random(5);
  for (const size_t cols :
       {1, 2, 63, 64, 65, 256, 1000, 1024, 1025, 3000, 4096, 4097, 49152, 151936, 262144}) {
    const size_t rows = cols > 5000 ? 2 : 5, width = cols + random() % 3;
    for (const int most : {1, 2, 40, 129, 256}) {
      if (cols > 49152 && most != 40 && most != 256) continue;
      std::vector<float> values;
      std::vector<int32_t> counts;
      for (size_t i = 0; i < rows; ++i) {
        const auto row = random_row(width, random);
        values.insert(values.end(), row.begin(), row.end());
        const int k = std::min<int>(most, int(cols));
        counts.push_back(i == 0 ? k : 1 + static_cast<int>(random() % unsigned(k)));
        for (size_t c = cols; c < width; ++c) values[i * width + c] = kNan;  // nobody asks for it
      }
      const auto array = test::make(*device, values, rows, width);
      const Found found = find(*device, *array, counts, cols);
      ASSERT_TRUE(found.all) << device->fault().ok();
      auto got = found.largest.begin();
      for (size_t i = 0; i < rows; ++i) {
        const std::span row(values.data() + i * width, cols);
        for (const Largest& wanted : test::largest_by_sorting(row, counts[i])) {
          ASSERT_EQ(got->col, wanted.col) << cols << " columns, " << counts[i] << " of row " << i;
          ASSERT_EQ(got->value, wanted.value);
          ASSERT_FALSE(got->value == 0.0f && std::signbit(got->value));
          ++got;
        }
      }
    }
  }
  EXPECT_TRUE(device->fault().ok()) << device->fault().error().message;
}

TEST(VulkanLargest, ARowThatIsNotOfNumbersMustBeRead) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  std::mt19937 random(6);
  for (const size_t cols : {5, 3000, 20000})
    for (const float bad : {kNan, -kNan, kInfinity, -kInfinity})
      for (const size_t at : {size_t{0}, cols / 2, cols - 1}) {
        auto values = random_row(2 * cols, random);
        values[cols + at] = bad;
        const auto array = test::make(*device, values, 2, cols);
        EXPECT_EQ(find(*device, *array, {1, 3}, cols).all, bad == -kInfinity) << bad << at;
        EXPECT_TRUE(find(*device, *array, {3}, cols).all) << "it is not in the first row";
      }
  EXPECT_TRUE(device->fault().ok()) << device->fault().error().message;
}

TEST(VulkanLargest, ASteadyStepIsReplayed) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  const auto& vulkan = static_cast<const vulkan::VulkanBackend&>(*device);
  const auto array = std::move(*device->array(3, 5000));
  std::mt19937 random(7);
  uint64_t recorded = 0;
  for (int step = 0; step < 10; ++step) {
    const auto values = random_row(3 * 5000, random);
    device->write(*array, 0, values);
    const Found found = find(*device, *array, {40, 1, 33 + step % 8}, 5000);
    ASSERT_TRUE(found.all);
    EXPECT_EQ(found.largest[40].col, test::largest_by_sorting({&values[5000], 5000}, 1)[0].col);
    if (step == 1) recorded = vulkan.recordings();  // the first one also zeroes the array
  }
  EXPECT_EQ(vulkan.recordings(), recorded);
}

// Without memory for it rows are read, and nothing else is lost.
TEST(VulkanLargest, WithoutMemoryRowsMustBeRead) {
  const auto whole = test::vulkan_backend();
  if (whole == nullptr) GTEST_SKIP();
  int refused = 0;
  for (int allocation = 2; allocation < 8; ++allocation) {
    const auto devices = std::move(*list_vulkan_devices());
    auto device = make_vulkan_backend(devices.front(), {.fail_allocation = allocation});
    if (!device.ok()) continue;
    auto array = (*device)->array(1, 3000);
    if (!array.ok()) continue;
    std::vector<float> values(3000, 1.0f);
    values[7] = 2;
    (*device)->write(**array, 0, values);
    const Found found = find(**device, **array, {2}, 3000);
    EXPECT_TRUE((*device)->fault().ok());
    refused += found.all ? 0 : 1;
    if (found.all) {
      EXPECT_EQ(found.largest[0].col, 7);
    }
  }
  EXPECT_EQ(refused, 2) << "for what passes leave, and for what the processor reads";
}

}  // namespace
}  // namespace handmill::backend
