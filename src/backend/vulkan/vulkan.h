// The Vulkan backend: a graphics processor's memory and compute queue. The loader is opened when a
// device is first asked for, so the program starts on machines without one. What a device can do
// and hold is read from it, never assumed. Source: Vulkan 1.2 with buffer device addresses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"

namespace handmill::backend {

struct VulkanHeap {
  uint64_t bytes = 0;
  uint64_t budget_bytes = 0;  // that this process may still take; `bytes` where no driver tells
  bool device_local = false;
  bool host_visible = false;  // the processor can map it
};

/// A device that a driver offers, before anything is made on it.
struct VulkanDevice {
  enum class Kind { kDiscrete, kIntegrated, kVirtual, kProcessor, kOther };
  int index = 0;             // among the devices that the loader lists
  std::string name, driver;  // "NVIDIA H100 …", "NVIDIA 580.159.04"
  uint32_t vendor_id = 0, device_id = 0;
  Kind kind = Kind::kOther;
  uint32_t api_major = 0, api_minor = 0;
  std::vector<VulkanHeap> heaps;
  /// Weights and caches lie in this one: the largest of the device's own.
  int main_heap = 0;
  bool shares_memory = false;  // the processor's memory is the device's
  bool budget_known = false;
  uint32_t subgroup_size = 0;
  uint64_t allocation_max = 0, buffer_max = 0;  // bytes
  // Arithmetic in float16; numbers of 16 and 8 bits in buffers (of 8 bits in arithmetic too); the
  // dot product of four int8, and whether the hardware has it as one instruction.
  bool float16 = false, storage16 = false, storage8 = false, int8_dot = false,
       int8_dot_fast = false, cooperative_matrix = false;
  std::string missing;  // what it lacks that the backend needs; empty: it will do
  const VulkanHeap& heap() const { return heaps[static_cast<size_t>(main_heap)]; }
};
const char* kind_name(VulkanDevice::Kind kind);  // "discrete", …

/// In the order of the loader. No loader or no driver is an empty list; an error is a driver that
/// failed.
Result<std::vector<VulkanDevice>> list_vulkan_devices();

/// The device that a name asks for, of those that will do: "auto" is the first discrete one, then
/// the first integrated one, never a processor's emulation; otherwise its index, its name or a part
/// of that, in any case. kNotFound names those that there are, kInvalid those that a name does not
/// tell apart, kUnsupported what the one asked for lacks.
Result<VulkanDevice> choose_vulkan_device(const std::vector<VulkanDevice>& devices,
                                          const std::string& name);

/// What a device does at most. A multiply-add is two operations; 0: it has no such arithmetic.
struct DeviceFigures {
  double read_bytes_s = 0;  // from its main heap, of more than its caches hold
  double int8_ops_s = 0;    // with the dot product of the backend's shaders, in registers
  double f32_ops_s = 0, f16_ops_s = 0;  // of its shaders; what matrix units add is not in it
  double upload_bytes_s = 0;            // copies from the processor's memory, and
  double download_bytes_s = 0;          // back
  double submit_s = 0;                  // of a submission with next to no work, and the wait for it
};
/// Takes about a second, and an eighth of the main heap's budget, at most 1 GiB, for that time. A
/// device that cannot be opened, has no memory or is lost is an error; with `validate` also one of
/// which the validation layer complains.
Result<DeviceFigures> measure_vulkan_device(const VulkanDevice& device, bool validate = false);

struct VulkanOptions {
  int threads = 1;            // that pack weights
  uint64_t memory_bytes = 0;  // most that the backend takes of the main heap; 0: no limit but its
  std::string cache_folder = {};  // of compiled pipelines; empty: none is kept
  bool validate = false;          // under the validation layer, whose complaints become fault()
  // For tests.
  bool unmapped = false;    // the device's memory is its own, as a card's
  int fail_allocation = 0;  // this buffer, and all after it, find no memory; 0: never
  int lose_after = 0;       // the device is lost after so many submissions; 0: never
};
/// Bytes that a block of such a store takes on every Vulkan device.
size_t vulkan_kv_block_bytes(const KvShape& shape);

/// Running out of the device's memory is kLimit, here and in whatever the backend makes.
Result<std::unique_ptr<Backend>> make_vulkan_backend(const VulkanDevice& device,
                                                     const VulkanOptions& options);

/// Holds a device against the processor on a few made-up rows, and one batch against another:
/// drivers compile shaders wrongly now and then. kUnsupported says what came out wrong. Takes as
/// long as the compilation of some twenty pipelines.
Status check_vulkan_backend(Backend& device, Backend& cpu);
/// The same once for each device, driver and version of the shaders, as a mark in `folder` tells;
/// never where that is empty.
Status check_vulkan_backend_once(const VulkanDevice& facts, const std::string& folder,
                                 Backend& device);

}  // namespace handmill::backend
