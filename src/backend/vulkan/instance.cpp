// The one place that holds the loader's functions, which volk fetches by name.
#define VOLK_IMPLEMENTATION
#include "backend/vulkan/instance.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace handmill::backend::vulkan {
namespace {

constexpr const char* kValidation = "VK_LAYER_KHRONOS_validation";

/// Once for the process: the loader's functions are the same for all instances.
bool load_loader() {
  static const bool kLoaded = volkInitialize() == VK_SUCCESS;
  return kLoaded;
}

bool has_layer(const char* name) {
  uint32_t count = 0;
  vkEnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  vkEnumerateInstanceLayerProperties(&count, layers.data());
  return std::ranges::any_of(
      layers, [name](const auto& layer) { return std::strcmp(layer.layerName, name) == 0; });
}

}  // namespace

Result<std::shared_ptr<Instance>> Instance::open(bool validate) {
  if (!load_loader() || volkGetInstanceVersion() < VK_API_VERSION_1_2)
    return std::shared_ptr<Instance>();
  if (validate && !has_layer(kValidation))
    return base::not_found("the Vulkan layer {} is not installed", kValidation);
  VkApplicationInfo application{.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                .pNext = nullptr,
                                .pApplicationName = "handmill",
                                .applicationVersion = 0,
                                .pEngineName = nullptr,
                                .engineVersion = 0,
                                .apiVersion = VK_API_VERSION_1_2};
  const char* extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  info.enabledLayerCount = validate ? 1 : 0;
  info.ppEnabledLayerNames = &kValidation;
  info.enabledExtensionCount = validate ? 1 : 0;
  info.ppEnabledExtensionNames = &extension;
  auto instance = std::shared_ptr<Instance>(new Instance);
  const VkResult made = vkCreateInstance(&info, nullptr, &instance->handle_);
  if (made == VK_ERROR_INCOMPATIBLE_DRIVER) return std::shared_ptr<Instance>();
  if (made != VK_SUCCESS) return base::io("Vulkan makes no instance ({})", result_name(made));
  {
    // The functions of all instances are the loader's own, which find their way by what they are
    // given: several instances and devices can be open.
    static std::mutex loading;
    const std::scoped_lock lock(loading);
    volkLoadInstance(instance->handle_);
  }
  if (validate) HANDMILL_OK(instance->listen());
  uint32_t count = 0;
  vkEnumeratePhysicalDevices(instance->handle_, &count, nullptr);
  instance->devices_.resize(count);
  const VkResult listed =
      vkEnumeratePhysicalDevices(instance->handle_, &count, instance->devices_.data());
  instance->devices_.resize(listed == VK_SUCCESS ? count : 0);
  return instance;
}

Status Instance::listen() {
  VkDebugUtilsMessengerCreateInfoEXT info{};
  info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT;
  info.messageType =
      VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT;
  info.pfnUserCallback = &Instance::hear;
  info.pUserData = this;
  const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(handle_, "vkCreateDebugUtilsMessengerEXT"));
  const VkResult made = create == nullptr ? VK_ERROR_EXTENSION_NOT_PRESENT
                                          : create(handle_, &info, nullptr, &messenger_);
  if (made != VK_SUCCESS)
    return base::io("the validation layer cannot be heard ({})", result_name(made));
  return {};
}

VKAPI_ATTR VkBool32 VKAPI_CALL Instance::hear(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                              VkDebugUtilsMessageTypeFlagsEXT types,
                                              const VkDebugUtilsMessengerCallbackDataEXT* message,
                                              void* self) {
  // The loader too speaks of what it finds on the machine, which is no fault of ours.
  if ((types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT) == 0) return VK_FALSE;
  auto& instance = *static_cast<Instance*>(self);
  const std::scoped_lock lock(instance.mutex_);
  constexpr size_t kEnough = 4096;
  if (instance.complaints_.size() < kEnough)
    instance.complaints_ += std::string(message->pMessage) + "\n";
  return VK_FALSE;
}

std::string Instance::complaints() const {
  const std::scoped_lock lock(mutex_);
  return complaints_;
}

Instance::~Instance() {
  // Fetched from this instance: another one, without the extension, may have been opened since.
  if (messenger_ != VK_NULL_HANDLE)
    reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(vkGetInstanceProcAddr(
        handle_, "vkDestroyDebugUtilsMessengerEXT"))(handle_, messenger_, nullptr);
  if (handle_ != VK_NULL_HANDLE) vkDestroyInstance(handle_, nullptr);
}

const char* result_name(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY: return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED: return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST: return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_MEMORY_MAP_FAILED: return "VK_ERROR_MEMORY_MAP_FAILED";
    case VK_ERROR_LAYER_NOT_PRESENT: return "VK_ERROR_LAYER_NOT_PRESENT";
    case VK_ERROR_EXTENSION_NOT_PRESENT: return "VK_ERROR_EXTENSION_NOT_PRESENT";
    case VK_ERROR_FEATURE_NOT_PRESENT: return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_ERROR_INCOMPATIBLE_DRIVER: return "VK_ERROR_INCOMPATIBLE_DRIVER";
    case VK_ERROR_TOO_MANY_OBJECTS: return "VK_ERROR_TOO_MANY_OBJECTS";
    case VK_ERROR_INVALID_SHADER_NV: return "VK_ERROR_INVALID_SHADER";
    default: return "a Vulkan error of another kind";
  }
}

}  // namespace handmill::backend::vulkan
