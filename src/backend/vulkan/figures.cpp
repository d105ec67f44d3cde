// What a device does at most: its own memory, its arithmetic, the way to the processor's memory and
// back, and a submission. Each is asked for a tenth of a second at most, the best of several.
#include "backend/vulkan/meter.h"
#include "backend/vulkan/vulkan.h"

namespace handmill::backend {

Result<DeviceFigures> measure_vulkan_device(const VulkanDevice& facts, bool validate) {
  constexpr double kEnough = 0.1;
  constexpr size_t kMost = size_t{1} << 30;
  VulkanOptions options;
  options.validate = validate;
  HANDMILL_TRY(const auto device, vulkan::Device::open(facts, options));
  HANDMILL_TRY(const auto program, vulkan::Program::make(device, ""));
  HANDMILL_TRY(const auto meter, vulkan::Meter::make(device, *program, kMost));
  DeviceFigures figures;
  HANDMILL_TRY(figures.submit_s, meter->submit_seconds(kEnough));
  HANDMILL_TRY(figures.read_bytes_s, meter->read_rate(kEnough));
  HANDMILL_TRY(figures.upload_bytes_s, meter->upload_rate(kEnough));
  HANDMILL_TRY(figures.download_bytes_s, meter->download_rate(kEnough));
  HANDMILL_TRY(figures.int8_ops_s, meter->int8_rate(kEnough));
  HANDMILL_TRY(figures.f32_ops_s, meter->f32_rate(kEnough));
  HANDMILL_TRY(figures.f16_ops_s, meter->f16_rate(kEnough));
  return figures;
}

}  // namespace handmill::backend
