#include "backend/vulkan/device.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace handmill::backend::vulkan {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

}  // namespace

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(handle_, other.handle_);
  std::swap(memory_, other.memory_);
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
  std::swap(taken_, other.taken_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

Buffer::~Buffer() {
  if (device_ == nullptr) return;
  if (device_->finish_) device_->finish_();
  vkDestroyBuffer(device_->handle(), handle_, nullptr);
  vkFreeMemory(device_->handle(), memory_, nullptr);
  device_->taken_ -= taken_;
}

Result<std::shared_ptr<Device>> Device::open(const VulkanDevice& facts,
                                             const VulkanOptions& options) {
  if (!facts.missing.empty())
    return base::unsupported("{}: the device lacks {}", facts.name, facts.missing);
  auto device = std::shared_ptr<Device>(new Device);
  HANDMILL_TRY(device->instance_, Instance::open(options.validate));
  if (device->instance_ == nullptr) return base::not_found("there is no Vulkan on this machine");
  const auto& list = device->instance_->devices();
  if (facts.index < 0 || static_cast<size_t>(facts.index) >= list.size())
    return base::not_found("{}: the device is gone", facts.name);
  device->facts_ = facts;
  device->options_ = options;
  device->physical_ = list[static_cast<size_t>(facts.index)];
  vkGetPhysicalDeviceProperties(device->physical_, &device->properties_);
  vkGetPhysicalDeviceMemoryProperties(device->physical_, &device->memory_);
  HANDMILL_OK(device->choose_queue());
  HANDMILL_OK(device->make());
  return device;
}

/// A queue of compute alone begins sooner than one that also draws.
Status Device::choose_queue() {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(physical_, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(physical_, &count, families.data());
  bool found = false;
  for (uint32_t i = 0; i < count; ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    const bool draws = (families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0;
    if (!found || !draws) family_ = i;
    found = true;
    if (!draws) break;
  }
  if (!found) return base::unsupported("{}: the device has no compute queue", facts_.name);
  return {};
}

Status Device::make() {
  const float priority = 1;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = family_;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  // The feature of an extension that 1.3 took up; a device without it gets the shaders without it.
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot{};
  dot.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES;
  dot.shaderIntegerDotProduct = VK_TRUE;
  VkPhysicalDeviceVulkan12Features features{};
  features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  features.pNext = facts_.int8_dot ? &dot : nullptr;
  features.bufferDeviceAddress = VK_TRUE;
  features.timelineSemaphore = VK_TRUE;
  features.shaderFloat16 = facts_.float16 ? VK_TRUE : VK_FALSE;
  const char* extension = VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME;
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &features;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = facts_.int8_dot ? 1 : 0;
  info.ppEnabledExtensionNames = &extension;
  int8_dot_ = facts_.int8_dot;
  VkResult made = vkCreateDevice(physical_, &info, nullptr, &handle_);
  if (made != VK_SUCCESS)
    return base::io("{}: the device cannot be opened ({})", facts_.name, result_name(made));
  vkGetDeviceQueue(handle_, family_, 0, &queue_);
  VkSemaphoreTypeCreateInfo type{};
  type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo semaphore{};
  semaphore.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
  semaphore.pNext = &type;
  made = vkCreateSemaphore(handle_, &semaphore, nullptr, &timeline_);
  if (made != VK_SUCCESS)
    return base::io("{}: no timeline semaphore ({})", facts_.name, result_name(made));
  return {};
}

/// Of the types that a buffer allows, the one that serves `use` best; −1: none does.
int Device::memory_type(uint32_t allowed, Use use) const {
  constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  constexpr VkMemoryPropertyFlags kMapped =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  int best = -1, best_score = -1;
  for (uint32_t i = 0; i < memory_.memoryTypeCount; ++i) {
    if ((allowed >> i & 1) == 0) continue;
    const VkMemoryPropertyFlags flags = memory_.memoryTypes[i].propertyFlags;
    const bool main = static_cast<int>(memory_.memoryTypes[i].heapIndex) == facts_.main_heap;
    const bool mapped = (flags & kMapped) == kMapped;
    auto has = [flags](VkMemoryPropertyFlags wanted) { return (flags & wanted) == wanted; };
    int score = -1;
    switch (use) {
      case Use::kDevice: score = main && has(kLocal) ? 1 + (mapped ? 1 : 0) : -1; break;
      case Use::kUpload: score = mapped ? 1 + (has(kLocal) ? 0 : 1) : -1; break;
      case Use::kReadback: score = mapped ? 1 + (has(kCached) ? 1 : 0) : -1; break;
    }
    if (score > best_score) best = static_cast<int>(i), best_score = score;
  }
  return best;
}

Result<Buffer> Device::make_buffer(size_t bytes, Use use) {
  Buffer buffer;
  buffer.bytes_ = std::max<size_t>(bytes, 16);
  auto no_room = [&](std::string_view why) {
    return base::limit("{}: no {:.0f} MiB are left for a buffer beside {:.0f} MiB ({})",
                       facts_.name, static_cast<double>(buffer.bytes_) / kMiB,
                       static_cast<double>(taken_) / kMiB, why);
  };
  if (options_.fail_allocation > 0 && ++allocations_ >= options_.fail_allocation)
    return no_room("as a test asked");
  if (facts_.buffer_max > 0 && buffer.bytes_ > facts_.buffer_max)
    return no_room("larger than a buffer may be");
  constexpr size_t kCountable = size_t{4} << 32;  // shaders count words in 32 bits
  if (buffer.bytes_ > kCountable) return no_room("more than shaders can count");
  VkBufferCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  info.size = buffer.bytes_;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
               VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  VkResult made = vkCreateBuffer(handle_, &info, nullptr, &buffer.handle_);
  if (made != VK_SUCCESS) return no_room(result_name(made));
  buffer.device_ = shared_from_this();
  VkMemoryRequirements needs{};
  vkGetBufferMemoryRequirements(handle_, buffer.handle_, &needs);
  const int type = memory_type(needs.memoryTypeBits, use);
  if (type < 0) return base::unsupported("{}: no memory of the kind needed", facts_.name);
  const auto& chosen = memory_.memoryTypes[type];
  const bool main = static_cast<int>(chosen.heapIndex) == facts_.main_heap;
  if (main && options_.memory_bytes > 0 && taken_ + needs.size > options_.memory_bytes)
    return no_room("more than it was allowed to take");
  VkMemoryAllocateFlagsInfo flags{};
  flags.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO;
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  VkMemoryAllocateInfo memory{};
  memory.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  memory.pNext = &flags;
  memory.allocationSize = needs.size;
  memory.memoryTypeIndex = static_cast<uint32_t>(type);
  made = vkAllocateMemory(handle_, &memory, nullptr, &buffer.memory_);
  if (made == VK_SUCCESS) {
    buffer.taken_ = main ? needs.size : 0;
    taken_ += buffer.taken_;
    made = vkBindBufferMemory(handle_, buffer.handle_, buffer.memory_, 0);
  }
  void* mapped = nullptr;
  const bool seen = (chosen.propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
  if (made == VK_SUCCESS && seen && !(use == Use::kDevice && options_.unmapped))
    made = vkMapMemory(handle_, buffer.memory_, 0, VK_WHOLE_SIZE, 0, &mapped);
  if (made != VK_SUCCESS) return no_room(result_name(made));
  buffer.mapped_ = static_cast<uint8_t*>(mapped);
  VkBufferDeviceAddressInfo address{};
  address.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO;
  address.buffer = buffer.handle_;
  buffer.address_ = vkGetBufferDeviceAddress(handle_, &address);
  return buffer;
}

Result<uint64_t> Device::submit(VkCommandBuffer commands) {
  const uint64_t value = submitted_ + 1;
  VkTimelineSemaphoreSubmitInfo timeline{};
  timeline.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
  timeline.signalSemaphoreValueCount = 1;
  timeline.pSignalSemaphoreValues = &value;
  VkSubmitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.pNext = &timeline;
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &timeline_;
  const bool lose = options_.lose_after > 0 && ++submissions_ > options_.lose_after;
  const VkResult put =
      lose ? VK_ERROR_DEVICE_LOST : vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE);
  if (put != VK_SUCCESS) return base::io("{} was lost ({})", facts_.name, result_name(put));
  return submitted_ = value;
}

Status Device::wait(uint64_t submission) {
  VkSemaphoreWaitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
  info.semaphoreCount = 1;
  info.pSemaphores = &timeline_;
  info.pValues = &submission;
  const VkResult ended = vkWaitSemaphores(handle_, &info, UINT64_MAX);
  if (ended != VK_SUCCESS) return base::io("{} was lost ({})", facts_.name, result_name(ended));
  return {};
}

Device::~Device() {
  if (handle_ == VK_NULL_HANDLE) return;
  vkDeviceWaitIdle(handle_);
  if (timeline_ != VK_NULL_HANDLE) vkDestroySemaphore(handle_, timeline_, nullptr);
  vkDestroyDevice(handle_, nullptr);
}

}  // namespace handmill::backend::vulkan
