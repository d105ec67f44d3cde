// What a driver says of a device, and what the backend makes of it. Serves the device list; apart
// from it so that devices which are not here can be made up.
#pragma once

#include <string>
#include <vector>

#include "backend/vulkan/instance.h"
#include "backend/vulkan/vulkan.h"

namespace handmill::backend::vulkan {

/// As the driver tells them; what belongs to a version or an extension that the device does not
/// have is zero. The pNext of every structure is null.
struct DeviceFacts {
  VkPhysicalDeviceProperties properties{};
  std::vector<std::string> extensions;
  std::vector<VkQueueFamilyProperties> queues;
  VkPhysicalDeviceMemoryProperties memory{};
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};  // VK_EXT_memory_budget
  // From here on for devices of Vulkan 1.2 and later.
  VkPhysicalDeviceVulkan11Properties properties11{};
  VkPhysicalDeviceVulkan12Properties properties12{};
  VkPhysicalDeviceVulkan11Features features11{};
  VkPhysicalDeviceVulkan12Features features12{};
  VkPhysicalDeviceMaintenance4Properties maintenance4{};               // VK_KHR_maintenance4
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot_features{};      // VK_KHR_shader_integer_
  VkPhysicalDeviceShaderIntegerDotProductProperties dot_properties{};  // dot_product
};
DeviceFacts read_facts(VkPhysicalDevice device);

/// `index`: among the devices of the loader.
VulkanDevice describe(const DeviceFacts& facts, int index);

}  // namespace handmill::backend::vulkan
