// The Vulkan loader and an instance of it, with the validation layer where asked. Serves the
// device list and the backend. Any thread may open one; an instance itself is one thread's.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

// Functions are fetched from the loader when it is opened; nothing links against it.
#define VK_NO_PROTOTYPES
#include <volk.h>

#include "base/result.h"

namespace handmill::backend::vulkan {

class Instance {
 public:
  /// Null where this machine has no loader, or no driver that makes an instance. `validate` without
  /// an installed layer is kNotFound.
  static Result<std::shared_ptr<Instance>> open(bool validate);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  VkInstance handle() const { return handle_; }
  const std::vector<VkPhysicalDevice>& devices() const { return devices_; }
  /// What the validation layer has said against us; empty: nothing.
  std::string complaints() const;

 private:
  Instance() = default;
  static VKAPI_ATTR VkBool32 VKAPI_CALL hear(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                             VkDebugUtilsMessageTypeFlagsEXT types,
                                             const VkDebugUtilsMessengerCallbackDataEXT* message,
                                             void* self);
  Status listen();

  VkInstance handle_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  std::vector<VkPhysicalDevice> devices_;
  mutable std::mutex mutex_;  // the layer speaks from any thread
  std::string complaints_;    // guarded by mutex_
};

/// "VK_ERROR_DEVICE_LOST" and the like, for messages.
const char* result_name(VkResult result);

}  // namespace handmill::backend::vulkan
