#include "backend/vulkan/devices.h"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>

namespace handmill::backend::vulkan {
namespace {

using Kind = VulkanDevice::Kind;

constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags kVisible =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr uint64_t kGiB = uint64_t{1} << 30;

struct MadeType {
  uint32_t heap;
  VkMemoryPropertyFlags flags;
};
struct MadeHeap {
  uint64_t bytes;
  bool local;
};

template <size_t N>
void put(char (&out)[N], std::string_view text) {
  ASSERT_LT(text.size(), N);
  std::ranges::copy(text, out);
  out[text.size()] = '\0';
}

/// A device that lacks nothing.
DeviceFacts made_up(VkPhysicalDeviceType type, const std::vector<MadeHeap>& heaps,
                    const std::vector<MadeType>& types) {
  DeviceFacts facts;
  put(facts.properties.deviceName, "Card 9");
  put(facts.properties12.driverName, "Maker");
  put(facts.properties12.driverInfo, "1.2.3");
  facts.properties.deviceType = type;
  facts.properties.apiVersion = VK_API_VERSION_1_3;
  facts.properties.limits.maxPushConstantsSize = 128;
  facts.properties.limits.maxComputeWorkGroupInvocations = 128;
  facts.properties.limits.maxComputeWorkGroupSize[0] = 128;
  facts.properties.limits.maxComputeSharedMemorySize = 16384;
  facts.queues = {{VK_QUEUE_TRANSFER_BIT, 1, 0, {}}, {VK_QUEUE_COMPUTE_BIT, 1, 0, {}}};
  facts.features12.bufferDeviceAddress = facts.features12.timelineSemaphore = VK_TRUE;
  facts.properties11.subgroupSize = 32;
  facts.properties11.subgroupSupportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
  facts.properties11.subgroupSupportedOperations =
      VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
  facts.properties11.maxMemoryAllocationSize = 4 * kGiB;
  for (const MadeHeap& heap : heaps)
    facts.memory.memoryHeaps[facts.memory.memoryHeapCount++] = {
        heap.bytes, heap.local ? VkFlags{VK_MEMORY_HEAP_DEVICE_LOCAL_BIT} : 0};
  for (const MadeType& made : types)
    facts.memory.memoryTypes[facts.memory.memoryTypeCount++] = {made.flags, made.heap};
  return facts;
}

/// A card whose memory the processor sees through a window of 256 MiB.
DeviceFacts windowed() {
  return made_up(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
                 {{kGiB / 4, true}, {64 * kGiB, false}, {8 * kGiB, true}},
                 {{2, kLocal}, {1, kVisible}, {0, kLocal | kVisible}});
}

TEST(Describe, AWindowIsNotTheMainHeap) {
  const VulkanDevice device = describe(windowed(), 3);
  EXPECT_EQ(device.index, 3);
  EXPECT_EQ(device.name, "Card 9");
  EXPECT_EQ(device.driver, "Maker 1.2.3");
  EXPECT_EQ(device.kind, Kind::kDiscrete);
  EXPECT_EQ(device.main_heap, 2);
  EXPECT_EQ(device.heap().bytes, 8 * kGiB);
  EXPECT_FALSE(device.heap().host_visible);
  EXPECT_TRUE(device.heaps[0].host_visible);
  EXPECT_FALSE(device.heaps[1].device_local);
  EXPECT_FALSE(device.shares_memory);
  EXPECT_EQ(device.api_major, 1u);
  EXPECT_EQ(device.api_minor, 3u);
  EXPECT_EQ(device.missing, "");
}

TEST(Describe, SharedMemoryIsByKindOrForWantOfAnother) {
  const auto shares = [](VkPhysicalDeviceType type, const std::vector<MadeHeap>& heaps,
                         const std::vector<MadeType>& types) {
    return describe(made_up(type, heaps, types), 0).shares_memory;
  };
  const std::vector<MadeHeap> one = {{kGiB, true}};
  EXPECT_TRUE(shares(VK_PHYSICAL_DEVICE_TYPE_CPU, one, {{0, kLocal | kVisible}}));
  EXPECT_TRUE(shares(VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU, one, {{0, kLocal | kVisible}}));
  EXPECT_FALSE(shares(VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU, one, {{0, kLocal}}));
  EXPECT_TRUE(shares(VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, {{kGiB, true}, {kGiB, false}},
                     {{0, kLocal}, {1, kVisible}}));
  // All of a card's memory behind its window is still not the processor's.
  EXPECT_FALSE(shares(VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, {{kGiB, true}, {kGiB, false}},
                      {{0, kLocal | kVisible}, {1, kVisible}}));
}

TEST(Describe, ABudgetIsWhatIsLeftOfIt) {
  DeviceFacts facts = windowed();
  facts.budget.heapBudget[2] = 5 * kGiB;
  facts.budget.heapUsage[2] = 2 * kGiB;
  facts.budget.heapBudget[1] = 100 * kGiB;
  facts.budget.heapBudget[0] = kGiB / 8;
  facts.budget.heapUsage[0] = kGiB;
  const VulkanDevice untold = describe(facts, 0);
  EXPECT_FALSE(untold.budget_known);
  EXPECT_EQ(untold.heap().budget_bytes, 8 * kGiB);
  facts.extensions = {VK_EXT_MEMORY_BUDGET_EXTENSION_NAME};
  const VulkanDevice told = describe(facts, 0);
  EXPECT_TRUE(told.budget_known);
  EXPECT_EQ(told.heap().budget_bytes, 3 * kGiB);
  EXPECT_EQ(told.heaps[1].budget_bytes, 64 * kGiB);
  EXPECT_EQ(told.heaps[0].budget_bytes, 0u);
}

TEST(Describe, LimitsAndFeaturesAreTheDrivers) {
  DeviceFacts facts = windowed();
  VulkanDevice device = describe(facts, 0);
  EXPECT_EQ(device.subgroup_size, 32u);
  EXPECT_EQ(device.buffer_max, 4 * kGiB);
  EXPECT_FALSE(device.float16 || device.storage16 || device.storage8 || device.int8_dot ||
               device.int8_dot_fast || device.cooperative_matrix);
  facts.maintenance4.maxBufferSize = kGiB;
  facts.features12.shaderFloat16 = facts.features12.storageBuffer8BitAccess = VK_TRUE;
  facts.features11.storageBuffer16BitAccess = VK_TRUE;
  facts.dot_features.shaderIntegerDotProduct = VK_TRUE;
  facts.extensions = {"VK_KHR_cooperative_matrix"};
  device = describe(facts, 0);
  EXPECT_EQ(device.allocation_max, 4 * kGiB);
  EXPECT_EQ(device.buffer_max, kGiB);
  EXPECT_TRUE(device.float16 && device.storage16 && device.int8_dot && device.cooperative_matrix);
  EXPECT_FALSE(device.storage8) << "bytes in buffers are of no use without arithmetic on them";
  EXPECT_FALSE(device.int8_dot_fast);
  facts.features12.shaderInt8 = VK_TRUE;
  facts.dot_properties.integerDotProduct4x8BitPackedSignedAccelerated = VK_TRUE;
  device = describe(facts, 0);
  EXPECT_TRUE(device.storage8 && device.int8_dot_fast);
}

TEST(Describe, WhatIsMissingIsNamed) {
  const auto missing = [](auto&& spoil) {
    DeviceFacts facts = windowed();
    spoil(facts);
    return describe(facts, 0).missing;
  };
  EXPECT_EQ(missing([](DeviceFacts& facts) { facts.properties.apiVersion = VK_API_VERSION_1_1; }),
            "Vulkan 1.2");
  EXPECT_EQ(missing([](DeviceFacts& facts) { facts.features12.bufferDeviceAddress = VK_FALSE; }),
            "buffer device addresses");
  EXPECT_EQ(missing([](DeviceFacts& facts) { facts.features12.timelineSemaphore = VK_FALSE; }),
            "timeline semaphores");
  EXPECT_EQ(missing([](DeviceFacts& facts) { facts.queues.pop_back(); }), "a compute queue");
  EXPECT_EQ(missing([](DeviceFacts& facts) { facts.properties.limits.maxPushConstantsSize = 64; }),
            "128 bytes of push constants");
  EXPECT_EQ(missing([](DeviceFacts& facts) {
              facts.properties.limits.maxComputeWorkGroupInvocations = 64;
            }),
            "work groups of 128");
  EXPECT_EQ(
      missing([](DeviceFacts& facts) { facts.properties.limits.maxComputeWorkGroupSize[0] = 64; }),
      "work groups of 128");
  EXPECT_EQ(missing([](DeviceFacts& facts) {
              facts.properties.limits.maxComputeSharedMemorySize = 8192;
            }),
            "16 KiB of shared memory");
  EXPECT_EQ(missing([](DeviceFacts& facts) { facts.properties11.subgroupSupportedStages = 0; }),
            "sums over subgroups");
  EXPECT_EQ(missing([](DeviceFacts& facts) { facts.memory.memoryTypeCount = 1; }),
            "memory that the processor sees");
  EXPECT_EQ(missing([](DeviceFacts& facts) {
              facts.features12.timelineSemaphore = VK_FALSE;
              facts.memory.memoryHeapCount = 0;
            }),
            "timeline semaphores, memory of its own");
}

TEST(List, IsOfWhatTheDriversOffer) {
  const auto devices = list_vulkan_devices();
  ASSERT_TRUE(devices.ok()) << devices.error().message;
  if (devices->empty()) {
    if (std::getenv("HANDMILL_REQUIRE_VULKAN") != nullptr) FAIL() << "no Vulkan device";
    GTEST_SKIP() << "this machine has no Vulkan device";
  }
  for (size_t i = 0; i < devices->size(); ++i) {
    const VulkanDevice& device = (*devices)[i];
    EXPECT_EQ(device.index, static_cast<int>(i));
    EXPECT_FALSE(device.name.empty());
    if (!device.missing.empty()) continue;
    EXPECT_FALSE(device.driver.empty());
    EXPECT_TRUE(device.heap().device_local);
    EXPECT_GT(device.heap().bytes, 0u);
    EXPECT_LE(device.heap().budget_bytes, device.heap().bytes);
    EXPECT_GE(device.subgroup_size, 1u);
    EXPECT_GE(device.allocation_max, kGiB);  // of every Vulkan since 1.1
    EXPECT_GT(device.buffer_max, 0u);
  }
}

TEST(List, AsksNothingThatTheValidationLayerMinds) {
  const auto instance = Instance::open(true);
  if (!instance.ok() || *instance == nullptr) {
    if (std::getenv("HANDMILL_REQUIRE_VULKAN") != nullptr)
      FAIL() << (instance.ok() ? "no Vulkan" : instance.error().message);
    GTEST_SKIP() << "this machine has no validation layer";
  }
  for (const VkPhysicalDevice device : (*instance)->devices()) read_facts(device);
  EXPECT_EQ((*instance)->complaints(), "");
}

/// How fast, no test can say.
TEST(Figures, AreOfAllThatADeviceDoes) {
  const auto devices = list_vulkan_devices();
  ASSERT_TRUE(devices.ok()) << devices.error().message;
  const bool validate = std::getenv("HANDMILL_REQUIRE_VULKAN") != nullptr;
  int measured = 0;
  for (const VulkanDevice& device : *devices) {
    if (!device.missing.empty()) continue;
    const auto figures = measure_vulkan_device(device, validate);
    ASSERT_TRUE(figures.ok()) << figures.error().message;
    for (const double figure :
         {figures->read_bytes_s, figures->int8_ops_s, figures->f32_ops_s, figures->upload_bytes_s,
          figures->download_bytes_s, figures->submit_s})
      EXPECT_GT(figure, 0);
    EXPECT_EQ(figures->f16_ops_s > 0, device.float16);
    ++measured;
  }
  if (measured == 0 && !validate) GTEST_SKIP() << "this machine has no Vulkan device";
  EXPECT_GT(measured, 0);
}

TEST(Figures, ADeviceThatIsGoneIsAnError) {
  VulkanDevice device = describe(windowed(), 1000);
  EXPECT_FALSE(measure_vulkan_device(device).ok());
  device.missing = "a compute queue";
  EXPECT_EQ(measure_vulkan_device(device).error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace handmill::backend::vulkan
