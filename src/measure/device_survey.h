// The graphics processors that Vulkan's drivers offer here: what each can do and hold, what the
// kernel tells of the same card, and what it does at most. Part of the survey of a machine.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/vulkan/vulkan.h"
#include "measure/machine.h"
#include "probe/gpu.h"

namespace handmill::measure {

struct DeviceSurvey {
  backend::VulkanDevice device;
  std::optional<probe::Gpu> card;  // the kernel's word on it: its VRAM and GTT
  DeviceRates rates;               // unknown but for names and memory where it was not measured
  std::string why_unmeasured;      // where it was not
};

/// The card of each device, by vendor and number of its kind; of several alike the first that is
/// not another's. One for each device; empty: the kernel tells of none.
std::vector<std::optional<probe::Gpu>> match_cards(std::span<const backend::VulkanDevice> devices,
                                                   std::span<const probe::Gpu> cards);

/// What a process may still take of a card's main heap, where the driver of a device says so.
std::optional<uint64_t> budget_of(std::span<const DeviceSurvey> devices, const probe::Gpu& card);

using MeasureDevice =
    std::function<Result<backend::DeviceFigures>(const backend::VulkanDevice& device)>;
/// In the order of `devices`. A device that lacks what the backend needs is not measured, and one
/// that fails says why.
std::vector<DeviceSurvey> survey_devices(std::span<const backend::VulkanDevice> devices,
                                         std::span<const probe::Gpu> cards,
                                         const MeasureDevice& measure);

/// What is to be kept of them: those that were measured, of identical ones the first.
std::vector<DeviceRates> rates_of(std::span<const DeviceSurvey> devices);

/// What was kept of a device with the driver that it has now; null: nothing.
const DeviceRates* find_rates(const Machine& machine, const backend::VulkanDevice& device);

/// A device as a machine to predict for: its memory is what a process may take of it now.
Machine device_machine(const DeviceRates& rates, const backend::VulkanDevice& device);

boost::json::object to_json(const DeviceSurvey& device);

}  // namespace handmill::measure
