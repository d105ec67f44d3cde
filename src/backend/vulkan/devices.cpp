#include "backend/vulkan/devices.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <span>

namespace handmill::backend {
namespace vulkan {
namespace {

constexpr const char* kDotExtension = "VK_KHR_shader_integer_dot_product";
constexpr const char* kMatrixExtension = "VK_KHR_cooperative_matrix";  // newer than the headers
constexpr const char* kMaintenance4Extension = "VK_KHR_maintenance4";

bool has_extension(const DeviceFacts& facts, std::string_view name) {
  return std::ranges::find(facts.extensions, name) != facts.extensions.end();
}
bool is_new_enough(const DeviceFacts& facts) {
  return facts.properties.apiVersion >= VK_API_VERSION_1_2;
}
bool has_flags(VkFlags flags, VkFlags wanted) { return (flags & wanted) == wanted; }
bool is_device_local(const VkMemoryHeap& heap) {
  return has_flags(heap.flags, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT);
}
std::span<const VkMemoryHeap> heaps_of(const DeviceFacts& facts) {
  return std::span(facts.memory.memoryHeaps).first(facts.memory.memoryHeapCount);
}
std::span<const VkMemoryType> types_of(const DeviceFacts& facts) {
  return std::span(facts.memory.memoryTypes).first(facts.memory.memoryTypeCount);
}

// What the backend needs. One that is not told is not there.
constexpr uint32_t kPushBytes = 128, kGroupSize = 128, kSharedBytes = 16 << 10;

struct Need {
  const char* name;
  bool (*met)(const DeviceFacts& facts);
};
constexpr auto kNeeds = std::to_array<Need>({
    {"Vulkan 1.2", is_new_enough},
    {"buffer device addresses",
     [](const DeviceFacts& facts) { return facts.features12.bufferDeviceAddress == VK_TRUE; }},
    {"timeline semaphores",
     [](const DeviceFacts& facts) { return facts.features12.timelineSemaphore == VK_TRUE; }},
    {"a compute queue",
     [](const DeviceFacts& facts) {
       return std::ranges::any_of(facts.queues, [](const VkQueueFamilyProperties& family) {
         return family.queueCount > 0 && has_flags(family.queueFlags, VK_QUEUE_COMPUTE_BIT);
       });
     }},
    {"128 bytes of push constants",
     [](const DeviceFacts& facts) {
       return facts.properties.limits.maxPushConstantsSize >= kPushBytes;
     }},
    {"work groups of 128",
     [](const DeviceFacts& facts) {
       const VkPhysicalDeviceLimits& limits = facts.properties.limits;
       return limits.maxComputeWorkGroupInvocations >= kGroupSize &&
              limits.maxComputeWorkGroupSize[0] >= kGroupSize;
     }},
    {"16 KiB of shared memory",
     [](const DeviceFacts& facts) {
       return facts.properties.limits.maxComputeSharedMemorySize >= kSharedBytes;
     }},
    {"sums over subgroups",
     [](const DeviceFacts& facts) {
       constexpr VkFlags kOperations =
           VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
       return has_flags(facts.properties11.subgroupSupportedStages, VK_SHADER_STAGE_COMPUTE_BIT) &&
              has_flags(facts.properties11.subgroupSupportedOperations, kOperations);
     }},
    {"memory of its own",
     [](const DeviceFacts& facts) {
       return std::ranges::any_of(heaps_of(facts), is_device_local);
     }},
    {"memory that the processor sees",
     [](const DeviceFacts& facts) {
       return std::ranges::any_of(types_of(facts), [](const VkMemoryType& type) {
         return has_flags(type.propertyFlags, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                                  VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
       });
     }},
});

std::string missing_of(const DeviceFacts& facts) {
  // Of an older device nothing newer was read.
  if (!is_new_enough(facts)) return kNeeds.front().name;
  std::string missing;
  for (const Need& need : kNeeds)
    if (!need.met(facts)) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", need.name);
  return missing;
}

VulkanDevice::Kind kind_of(VkPhysicalDeviceType type) {
  using Kind = VulkanDevice::Kind;
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return Kind::kDiscrete;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return Kind::kIntegrated;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return Kind::kVirtual;
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return Kind::kProcessor;
    default: return Kind::kOther;
  }
}

/// Arrays of the drivers' texts end with a zero, or at their end.
template <size_t N>
std::string text_of(const char (&text)[N]) {
  return {text, std::find(text, text + N, '\0')};
}

bool host_sees(const DeviceFacts& facts, size_t heap) {
  return std::ranges::any_of(types_of(facts), [heap](const VkMemoryType& type) {
    return type.heapIndex == heap &&
           has_flags(type.propertyFlags, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT);
  });
}

/// The processor's memory is the device's: by its kind, or because it has no other than that which
/// both see.
bool shares_memory(const DeviceFacts& facts, VulkanDevice::Kind kind) {
  using Kind = VulkanDevice::Kind;
  if (kind == Kind::kIntegrated || kind == Kind::kProcessor) return true;
  const auto heaps = heaps_of(facts);
  bool all = !heaps.empty();
  for (size_t i = 0; i < heaps.size(); ++i)
    all = all && is_device_local(heaps[i]) && host_sees(facts, i);
  return all;
}

void add_heaps(const DeviceFacts& facts, VulkanDevice& device) {
  device.budget_known = has_extension(facts, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  const auto heaps = heaps_of(facts);
  for (size_t i = 0; i < heaps.size(); ++i) {
    VulkanHeap heap{heaps[i].size, heaps[i].size, is_device_local(heaps[i]), host_sees(facts, i)};
    if (device.budget_known) {
      // The budget includes what this process holds already.
      const uint64_t budget = std::min(facts.budget.heapBudget[i], heap.bytes);
      heap.budget_bytes = budget - std::min(budget, facts.budget.heapUsage[i]);
    }
    device.heaps.push_back(heap);
  }
  // A window of 256 MiB through which the processor sees a card's memory is a heap of its own
  // where the card's whole memory cannot be seen: never the larger one.
  std::optional<size_t> main;
  for (size_t i = 0; i < heaps.size(); ++i)
    if (is_device_local(heaps[i]) && (!main || heaps[i].size > heaps[*main].size)) main = i;
  device.main_heap = static_cast<int>(main.value_or(0));
}

void add_features(const DeviceFacts& facts, VulkanDevice& device) {
  const VkPhysicalDeviceVulkan12Features& features = facts.features12;
  device.subgroup_size = facts.properties11.subgroupSize;
  device.allocation_max = facts.properties11.maxMemoryAllocationSize;
  device.buffer_max = facts.maintenance4.maxBufferSize != 0
                          ? std::min(facts.maintenance4.maxBufferSize, device.allocation_max)
                          : device.allocation_max;
  device.float16 = features.shaderFloat16 == VK_TRUE;
  device.storage16 = facts.features11.storageBuffer16BitAccess == VK_TRUE;
  device.storage8 = features.storageBuffer8BitAccess == VK_TRUE && features.shaderInt8 == VK_TRUE;
  device.int8_dot = facts.dot_features.shaderIntegerDotProduct == VK_TRUE;
  device.int8_dot_fast =
      device.int8_dot &&
      facts.dot_properties.integerDotProduct4x8BitPackedSignedAccelerated == VK_TRUE;
  device.cooperative_matrix = has_extension(facts, kMatrixExtension);
}

/// What only devices of Vulkan 1.2 and later may be asked.
void read_newer(VkPhysicalDevice device, DeviceFacts& facts) {
  VkPhysicalDeviceProperties2 properties{};
  VkPhysicalDeviceFeatures2 features{};
  VkPhysicalDeviceMemoryProperties2 memory{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
  const auto ask = [](auto& first, auto& more, VkStructureType type) {
    more.sType = type;
    more.pNext = first.pNext;
    first.pNext = &more;
  };
  ask(properties, facts.properties11, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES);
  ask(properties, facts.properties12, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES);
  ask(features, facts.features11, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
  ask(features, facts.features12, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  if (has_extension(facts, kMaintenance4Extension))
    ask(properties, facts.maintenance4, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
  if (has_extension(facts, kDotExtension)) {
    ask(properties, facts.dot_properties,
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES);
    ask(features, facts.dot_features,
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES);
  }
  if (has_extension(facts, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME))
    ask(memory, facts.budget, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
  vkGetPhysicalDeviceProperties2(device, &properties);
  vkGetPhysicalDeviceFeatures2(device, &features);
  vkGetPhysicalDeviceMemoryProperties2(device, &memory);
  // They point at one another, and the facts are copied.
  facts.properties11.pNext = facts.properties12.pNext = facts.maintenance4.pNext =
      facts.dot_properties.pNext = facts.features11.pNext = facts.features12.pNext =
          facts.dot_features.pNext = facts.budget.pNext = nullptr;
}

}  // namespace

DeviceFacts read_facts(VkPhysicalDevice device) {
  DeviceFacts facts;
  vkGetPhysicalDeviceProperties(device, &facts.properties);
  vkGetPhysicalDeviceMemoryProperties(device, &facts.memory);
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  facts.queues.resize(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, facts.queues.data());
  facts.queues.resize(count);
  count = 0;
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  const VkResult listed =
      vkEnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data());
  extensions.resize(listed == VK_SUCCESS ? count : 0);
  for (const VkExtensionProperties& extension : extensions)
    facts.extensions.push_back(text_of(extension.extensionName));
  if (is_new_enough(facts)) read_newer(device, facts);
  return facts;
}

VulkanDevice describe(const DeviceFacts& facts, int index) {
  VulkanDevice device;
  device.index = index;
  device.name = text_of(facts.properties.deviceName);
  device.driver = text_of(facts.properties12.driverName);
  const std::string version = text_of(facts.properties12.driverInfo);
  if (!device.driver.empty() && !version.empty()) device.driver += " ";
  device.driver += version;
  device.vendor_id = facts.properties.vendorID;
  device.device_id = facts.properties.deviceID;
  device.kind = kind_of(facts.properties.deviceType);
  device.api_major = VK_API_VERSION_MAJOR(facts.properties.apiVersion);
  device.api_minor = VK_API_VERSION_MINOR(facts.properties.apiVersion);
  add_heaps(facts, device);
  device.shares_memory = shares_memory(facts, device.kind);
  add_features(facts, device);
  device.missing = missing_of(facts);
  return device;
}

}  // namespace vulkan

const char* kind_name(VulkanDevice::Kind kind) {
  switch (kind) {
    case VulkanDevice::Kind::kDiscrete: return "discrete";
    case VulkanDevice::Kind::kIntegrated: return "integrated";
    case VulkanDevice::Kind::kVirtual: return "virtual";
    case VulkanDevice::Kind::kProcessor: return "processor";
    case VulkanDevice::Kind::kOther: break;
  }
  return "other";
}

Result<std::vector<VulkanDevice>> list_vulkan_devices() {
  HANDMILL_TRY(const auto instance, vulkan::Instance::open(false));
  std::vector<VulkanDevice> devices;
  if (instance == nullptr) return devices;
  for (const VkPhysicalDevice device : instance->devices())
    devices.push_back(
        vulkan::describe(vulkan::read_facts(device), static_cast<int>(devices.size())));
  return devices;
}

}  // namespace handmill::backend
