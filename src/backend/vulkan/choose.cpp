// Which device a name asks for.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backend/vulkan/vulkan.h"
#include "base/error.h"
#include "base/quote.h"

namespace handmill::backend {
namespace {

using Devices = std::vector<const VulkanDevice*>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// "0: NVIDIA H100 PCIe (discrete), 1: llvmpipe (processor; lacks timeline semaphores)"
std::string list_of(const Devices& devices) {
  std::vector<std::string> lines;
  for (const VulkanDevice* device : devices)
    lines.push_back(fmt::format("{}: {} ({}{}{})", device->index, device->name,
                                kind_name(device->kind), device->missing.empty() ? "" : "; lacks ",
                                device->missing));
  return fmt::format("{}", fmt::join(lines, ", "));
}
std::string list_of(const std::vector<VulkanDevice>& devices) {
  Devices all;
  for (const VulkanDevice& device : devices) all.push_back(&device);
  return devices.empty() ? "this machine has none" : "there are " + list_of(all);
}

Result<VulkanDevice> choose_best(const std::vector<VulkanDevice>& devices) {
  for (const auto kind : {VulkanDevice::Kind::kDiscrete, VulkanDevice::Kind::kIntegrated})
    for (const VulkanDevice& device : devices)
      if (device.kind == kind && device.missing.empty()) return device;
  return base::not_found("no Vulkan device to choose by itself: {}", list_of(devices));
}

/// Those whose index, else whose whole name, else a part of whose name it is.
Devices matching(const std::vector<VulkanDevice>& devices, const std::string& name) {
  int index = -1;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool is_number = fault == std::errc() && end == name.data() + name.size();
  const std::string wanted = lower(name);
  Devices same_index, whole, part;
  for (const VulkanDevice& device : devices) {
    const std::string has = lower(device.name);
    if (is_number && device.index == index) same_index.push_back(&device);
    if (has == wanted) whole.push_back(&device);
    if (has.find(wanted) != std::string::npos) part.push_back(&device);
  }
  if (!same_index.empty()) return same_index;
  return whole.empty() ? part : whole;
}

}  // namespace

Result<VulkanDevice> choose_vulkan_device(const std::vector<VulkanDevice>& devices,
                                          const std::string& name) {
  if (name == "auto") return choose_best(devices);
  if (name.empty()) return base::invalid("the name of a Vulkan device is empty");
  const Devices found = matching(devices, name);
  if (found.empty())
    return base::not_found("no Vulkan device is {}: {}", base::quoted(name), list_of(devices));
  Devices fit;
  std::ranges::copy_if(found, std::back_inserter(fit),
                       [](const VulkanDevice* device) { return device->missing.empty(); });
  if (fit.size() == 1) return *fit.front();
  if (fit.empty())
    return base::unsupported("{} will not do: {}", base::quoted(name), list_of(found));
  return base::invalid("{} are several Vulkan devices, to be told apart by number: {}",
                       base::quoted(name), list_of(fit));
}

}  // namespace handmill::backend
