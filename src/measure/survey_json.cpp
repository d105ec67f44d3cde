// A survey as JSON: a figure is {"value", "source"}, or null where it is unknown.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "measure/survey.h"

namespace handmill::measure {
namespace {

namespace json = boost::json;

json::value measured(double value) { return to_json(Figure{value, Source::kMeasured}); }
json::value reported(std::optional<uint64_t> value) {
  if (!value) return nullptr;
  return json::object{{"value", *value}, {"source", source_name(Source::kReported)}};
}
/// The room probe says 0 for what it does not know.
json::value reported_or_unknown(uint64_t value) {
  return value == 0 ? json::value(nullptr) : reported(value);
}

json::value text(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}
json::value id(std::optional<uint32_t> id) {
  return id ? json::value(fmt::format("0x{:04x}", *id)) : json::value(nullptr);
}

json::object system_json(const Survey& survey) {
  const probe::Machine& system = survey.system;
  const auto threads = survey.limits.threads;
  return {{"cpu", system.cpu_name},
          {"isa", probe::isa_name(system.isa)},
          {"threads_usable", system.threads_usable},
          {"cores_usable", system.cores_usable},
          {"l1d_bytes", reported_or_unknown(system.caches.l1d_bytes)},
          {"l2_bytes", reported_or_unknown(system.caches.l2_bytes)},
          {"l3_bytes", reported_or_unknown(system.caches.l3_bytes)},
          {"memory_bytes", reported_or_unknown(system.memory.total_bytes)},
          {"memory_available_bytes", reported_or_unknown(system.memory.available_bytes)},
          {"cgroup_threads", threads ? reported(static_cast<uint64_t>(*threads)) : nullptr},
          {"cgroup_memory_bytes", reported(survey.limits.memory_bytes)}};
}

json::object gpu_json(const Survey& survey, const probe::Gpu& gpu) {
  return {{"card", gpu.card},
          {"name", text(gpu.name)},
          {"vendor", text(probe::vendor_name(gpu))},
          {"driver", text(gpu.driver)},
          {"vendor_id", id(gpu.vendor_id)},
          {"device_id", id(gpu.device_id)},
          {"vram_bytes", reported(gpu.vram_bytes)},
          {"vram_used_bytes", reported(gpu.vram_used_bytes)},
          {"gtt_bytes", reported(gpu.gtt_bytes)},
          {"gtt_used_bytes", reported(gpu.gtt_used_bytes)},
          {"budget_bytes", reported(budget_of(survey.devices, gpu))}};
}

}  // namespace

json::object to_json(const Survey& survey) {
  json::array reads, peaks, gpus, devices;
  for (const ReadPoint& point : survey.reads)
    reads.push_back(json::object{{"threads", point.threads}, {"bytes_s", measured(point.bytes_s)}});
  for (const backend::Peaks& peak : survey.peaks)
    peaks.push_back(json::object{{"isa", peak.isa},
                                 {"int8_ops_s", measured(peak.int8_ops_s)},
                                 {"f32_ops_s", measured(peak.f32_ops_s)}});
  for (const probe::Gpu& gpu : survey.gpus) gpus.push_back(gpu_json(survey, gpu));
  for (const DeviceSurvey& device : survey.devices) devices.push_back(to_json(device));
  const DiskRead& disk = survey.disk;
  return {{"threads", survey.threads},
          {"system", system_json(survey)},
          {"gpus", std::move(gpus)},
          {"devices", std::move(devices)},
          {"why_no_devices", text(survey.why_no_devices)},
          {"reads", std::move(reads)},
          {"knee_threads", knee(survey.reads)},
          {"peaks", std::move(peaks)},
          {"disk",
           {{"path", text(disk.path)},
            {"bytes_s", to_json(disk.bytes_s)},
            {"why_unknown", text(disk.why_unknown)}}},
          {"noise", to_json(survey.noise)},
          {"refused", survey.noise.refused()},
          {"machine", to_json(survey.machine)}};
}

}  // namespace handmill::measure
