#include "measure/device_survey.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

namespace handmill::measure {
namespace {

namespace json = boost::json;

using backend::VulkanDevice;

Figure measured(double value) { return value > 0 ? Figure{value, Source::kMeasured} : Figure{}; }

json::object reported(uint64_t value) {
  return {{"value", value}, {"source", source_name(Source::kReported)}};
}
json::value reported(std::optional<uint64_t> value) {
  return value ? json::value(reported(*value)) : json::value(nullptr);
}
json::value text(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

void take(const backend::DeviceFigures& figures, DeviceRates& rates) {
  rates.read_bytes_s = measured(figures.read_bytes_s);
  rates.int8_ops_s = measured(figures.int8_ops_s);
  rates.f32_ops_s = measured(figures.f32_ops_s);
  rates.f16_ops_s = measured(figures.f16_ops_s);
  rates.upload_bytes_s = measured(figures.upload_bytes_s);
  rates.download_bytes_s = measured(figures.download_bytes_s);
  rates.submit_s = measured(figures.submit_s);
}

Figure budget(const VulkanDevice& device) {
  const uint64_t bytes = device.heap().budget_bytes;
  return bytes > 0 ? Figure{static_cast<double>(bytes), Source::kReported} : Figure{};
}

json::array heaps_json(const VulkanDevice& device) {
  json::array heaps;
  for (size_t i = 0; i < device.heaps.size(); ++i) {
    const backend::VulkanHeap& heap = device.heaps[i];
    heaps.push_back(json::object{
        {"bytes", reported(heap.bytes)},
        {"budget_bytes", device.budget_known ? json::value(reported(heap.budget_bytes)) : nullptr},
        {"main", static_cast<int>(i) == device.main_heap},
        {"device_local", heap.device_local},
        {"host_visible", heap.host_visible}});
  }
  return heaps;
}

}  // namespace

std::vector<std::optional<probe::Gpu>> match_cards(std::span<const VulkanDevice> devices,
                                                   std::span<const probe::Gpu> cards) {
  std::vector<std::optional<probe::Gpu>> matches;
  std::vector<bool> taken(cards.size(), false);
  for (const VulkanDevice& device : devices) {
    matches.emplace_back();
    for (size_t i = 0; i < cards.size() && !matches.back(); ++i) {
      const bool same =
          cards[i].vendor_id == device.vendor_id && cards[i].device_id == device.device_id;
      if (!same || taken[i]) continue;
      matches.back() = cards[i];
      taken[i] = true;
    }
  }
  return matches;
}

std::optional<uint64_t> budget_of(std::span<const DeviceSurvey> devices, const probe::Gpu& card) {
  for (const DeviceSurvey& survey : devices)
    if (survey.card && survey.card->card == card.card && survey.device.budget_known)
      return survey.device.heap().budget_bytes;
  return std::nullopt;
}

std::vector<DeviceSurvey> survey_devices(std::span<const VulkanDevice> devices,
                                         std::span<const probe::Gpu> cards,
                                         const MeasureDevice& measure) {
  auto matches = match_cards(devices, cards);
  std::vector<DeviceSurvey> out;
  for (size_t i = 0; i < devices.size(); ++i) {
    const VulkanDevice& device = devices[i];
    DeviceSurvey& survey = out.emplace_back();
    survey.device = device;
    survey.card = std::move(matches[i]);
    survey.rates.name = device.name;
    survey.rates.driver = device.driver;
    if (!device.missing.empty()) {
      survey.why_unmeasured = "it lacks " + device.missing;
      continue;
    }
    survey.rates.memory_bytes = budget(device);
    const auto figures = measure(device);
    if (figures.ok())
      take(*figures, survey.rates);
    else
      survey.why_unmeasured = figures.error().message;
  }
  return out;
}

std::vector<DeviceRates> rates_of(std::span<const DeviceSurvey> devices) {
  std::vector<DeviceRates> out;
  for (const DeviceSurvey& device : devices) {
    const bool kept = std::ranges::any_of(out, [&](const DeviceRates& rates) {
      return rates.name == device.rates.name && rates.driver == device.rates.driver;
    });
    if (device.why_unmeasured.empty() && !kept) out.push_back(device.rates);
  }
  return out;
}

const DeviceRates* find_rates(const Machine& machine, const VulkanDevice& device) {
  const auto found = std::ranges::find_if(machine.devices, [&](const DeviceRates& rates) {
    return rates.name == device.name && rates.driver == device.driver;
  });
  return found == machine.devices.end() ? nullptr : &*found;
}

Machine device_machine(const DeviceRates& rates, const VulkanDevice& device) {
  Machine machine;
  machine.name = rates.name;
  machine.engine = "vulkan, " + rates.driver;
  machine.memory_bytes = budget(device);
  machine.read_bytes_s = rates.read_bytes_s;
  machine.ops_s = rates.int8_ops_s;
  return machine;
}

json::object to_json(const DeviceSurvey& survey) {
  const VulkanDevice& device = survey.device;
  json::object figures = to_json(survey.rates);
  for (const char* told_above : {"name", "driver", "memory_bytes"}) figures.erase(told_above);
  return {{"index", device.index},
          {"name", device.name},
          {"driver", text(device.driver)},
          {"kind", backend::kind_name(device.kind)},
          {"vulkan", fmt::format("{}.{}", device.api_major, device.api_minor)},
          {"vendor_id", fmt::format("0x{:04x}", device.vendor_id)},
          {"device_id", fmt::format("0x{:04x}", device.device_id)},
          {"card", survey.card ? json::value(survey.card->card) : nullptr},
          {"heaps", heaps_json(device)},
          {"shares_memory", device.shares_memory},
          {"vram_bytes", reported(survey.card ? survey.card->vram_bytes : std::nullopt)},
          {"gtt_bytes", reported(survey.card ? survey.card->gtt_bytes : std::nullopt)},
          {"allocation_bytes_max", device.allocation_max},
          {"buffer_bytes_max", device.buffer_max},
          {"subgroup_size", device.subgroup_size},
          {"features",
           {{"float16", device.float16},
            {"storage16", device.storage16},
            {"storage8", device.storage8},
            {"int8_dot", device.int8_dot},
            {"int8_dot_fast", device.int8_dot_fast},
            {"cooperative_matrix", device.cooperative_matrix}}},
          {"missing", text(device.missing)},
          {"why_unmeasured", text(survey.why_unmeasured)},
          {"figures", std::move(figures)}};
}

}  // namespace handmill::measure
