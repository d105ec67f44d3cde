// The graphics processors that Vulkan's drivers offer, as an engine's options want them.
#pragma once

#include "backend/vulkan/vulkan.h"
#include "engine/gpu.h"

namespace handmill::engine {

/// Of `options` the threads and the memory are each backend's own.
FindGpu vulkan_gpus(backend::VulkanOptions options);

}  // namespace handmill::engine
