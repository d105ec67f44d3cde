// A logical device with its compute queue, and memory on it. Every buffer has a device address;
// nothing is bound through descriptors. One thread at a time uses a Device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "backend/vulkan/instance.h"
#include "backend/vulkan/vulkan.h"
#include "base/result.h"

namespace handmill::backend::vulkan {

/// Who reads and writes a buffer besides shaders.
enum class Use {
  kDevice,    // nobody; mapped all the same where the device's memory is the processor's too
  kUpload,    // the processor writes, in order
  kReadback,  // the processor reads
};

class Device;

/// Owned memory. Empty after being moved from. It goes when nothing that was asked for can use it
/// any more.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  VkBuffer handle() const { return handle_; }
  uint64_t address() const { return address_; }  // for shaders
  size_t bytes() const { return bytes_; }
  uint8_t* mapped() const { return mapped_; }  // coherent; null where the processor cannot see it

 private:
  friend class Device;
  std::shared_ptr<Device> device_;
  VkBuffer handle_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  uint64_t address_ = 0;
  size_t bytes_ = 0;
  size_t taken_ = 0;  // of the main heap
  uint8_t* mapped_ = nullptr;
};

class Device : public std::enable_shared_from_this<Device> {
 public:
  static Result<std::shared_ptr<Device>> open(const VulkanDevice& facts,
                                              const VulkanOptions& options);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// Not zeroed. kLimit where the heap, the driver or the options' limit has no such room.
  Result<Buffer> make_buffer(size_t bytes, Use use);

  /// Puts recorded work in the queue; it begins after what was put there before. Returns the value
  /// that wait() takes.
  Result<uint64_t> submit(VkCommandBuffer commands);
  /// Until that submission, and all before it, have ended.
  Status wait(uint64_t submission);
  uint64_t submitted() const { return submitted_; }
  /// What ends all that was asked for so far; called before memory goes.
  void on_free(std::function<void()> finish) { finish_ = std::move(finish); }

  VkDevice handle() const { return handle_; }
  const VulkanDevice& facts() const { return facts_; }
  const VkPhysicalDeviceProperties& properties() const { return properties_; }
  uint32_t queue_family() const { return family_; }
  bool int8_dot() const { return int8_dot_; }
  uint64_t taken_bytes() const { return taken_; }  // of the main heap, by live buffers
  std::string complaints() const { return instance_->complaints(); }

 private:
  Device() = default;
  Status choose_queue();
  Status make();
  int memory_type(uint32_t allowed, Use use) const;
  friend class Buffer;

  std::shared_ptr<Instance> instance_;
  VulkanDevice facts_;
  VulkanOptions options_;
  VkPhysicalDevice physical_ = VK_NULL_HANDLE;
  VkPhysicalDeviceProperties properties_{};
  VkPhysicalDeviceMemoryProperties memory_{};
  VkDevice handle_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  uint32_t family_ = 0;
  bool int8_dot_ = false;
  uint64_t submitted_ = 0;
  std::function<void()> finish_;
  uint64_t taken_ = 0;
  int allocations_ = 0, submissions_ = 0;  // towards the injected faults of the options
};

}  // namespace handmill::backend::vulkan
