#include "engine/vulkan_gpus.h"

#include <utility>

#include "probe/gpu.h"

namespace handmill::engine {

FindGpu vulkan_gpus(backend::VulkanOptions options) {
  return
      [options = std::move(options)](const std::string& name) -> Result<std::optional<GpuDevice>> {
        // Drivers of emulations alone take 0.1 s and 50 MB.
        if (name == kAutoGpu && !probe::may_have_gpu()) return std::optional<GpuDevice>();
        HANDMILL_TRY(const auto devices, backend::list_vulkan_devices());
        auto chosen = backend::choose_vulkan_device(devices, name);
        if (!chosen.ok()) {
          if (name == kAutoGpu && chosen.error().code == base::Code::kNotFound)
            return std::optional<GpuDevice>();
          return std::move(chosen).error();
        }
        GpuDevice gpu;
        gpu.name = chosen->name;
        gpu.driver = chosen->driver;
        gpu.heap_bytes = chosen->heap().bytes;
        gpu.budget_bytes = chosen->heap().budget_bytes;
        gpu.shares_memory = chosen->shares_memory;
        gpu.make = [device = *std::move(chosen), options](
                       uint64_t memory_bytes,
                       int threads) -> Result<std::unique_ptr<backend::Backend>> {
          backend::VulkanOptions own = options;
          own.memory_bytes = memory_bytes;
          own.threads = threads;
          HANDMILL_TRY(auto made, backend::make_vulkan_backend(device, own));
          HANDMILL_OK(backend::check_vulkan_backend_once(device, own.cache_folder, *made));
          return made;
        };
        return std::optional(std::move(gpu));
      };
}

}  // namespace handmill::engine
