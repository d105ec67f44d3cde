#include "cli/probe_report.h"

#include <algorithm>
#include <fmt/format.h>

#include "cli/figures.h"

namespace handmill::cli {
namespace {

using measure::Figure;
using measure::Source;

/// Lines of a name, a value and the word for its source.
class Table {
 public:
  void title(std::string_view text) {
    out_ += fmt::format("{}{}\n", out_.empty() ? "" : "\n", text);
  }
  void row(std::string_view name, const std::string& value, Source source) {
    out_ += fmt::format("  {:<16}{:<42}{}\n", name, value, measure::source_name(source));
  }
  /// "unknown" where there is no value.
  void row(std::string_view name, const std::string& value) {
    row(name, value, value.empty() ? Source::kUnknown : Source::kReported);
  }
  void line(const std::string& text) { out_ += "  " + text + "\n"; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

std::string rate_text(const Figure& figure, const char* unit) {
  if (!figure.known()) return "unknown";
  return three_digits(figure.value / 1e9) + unit;
}

std::string size_text(std::optional<uint64_t> bytes) { return bytes ? bytes_text(*bytes) : ""; }

std::string caches_text(const probe::Caches& caches) {
  std::string text;
  const auto add = [&](const char* name, uint64_t bytes) {
    if (bytes != 0)
      text += fmt::format("{}{} {} KiB", text.empty() ? "" : ", ", name, bytes / 1024);
  };
  add("L1d", caches.l1d_bytes);
  add("L2", caches.l2_bytes);
  add("L3", caches.l3_bytes);
  return text;
}

void add_system(const measure::Survey& survey, Table& table) {
  const probe::Machine& system = survey.system;
  table.title("Machine");
  table.row("processor", system.cpu_name);
  table.row("instructions", std::string(probe::isa_name(system.isa)));
  table.row("threads", fmt::format("{} usable, on {} core{}", system.threads_usable,
                                   system.cores_usable, system.cores_usable == 1 ? "" : "s"));
  table.row("caches", caches_text(system.caches));
  const probe::Memory& memory = system.memory;
  table.row("memory", memory.total_bytes == 0
                          ? ""
                          : fmt::format("{}, {} available", bytes_text(memory.total_bytes),
                                        bytes_text(memory.available_bytes)));
  const auto& limits = survey.limits;
  if (limits.threads) table.row("group's CPUs", fmt::format("{} by quota", *limits.threads));
  if (limits.memory_bytes) table.row("group's memory", bytes_text(*limits.memory_bytes));
  for (const probe::Gpu& gpu : survey.gpus) {
    const std::string name = gpu.name.empty() ? probe::vendor_name(gpu) : gpu.name;
    const auto id = [](std::optional<uint32_t> number) {
      return number ? fmt::format("{:04x}", *number) : std::string("?");
    };
    table.row(gpu.card,
              fmt::format("{} {}:{} {}", name, id(gpu.vendor_id), id(gpu.device_id), gpu.driver));
    table.row("  VRAM", size_text(gpu.vram_bytes));
    table.row("  GTT", size_text(gpu.gtt_bytes));
    table.row("  budget", size_text(measure::budget_of(survey.devices, gpu)));
  }
  if (survey.gpus.empty()) table.row("GPU", "none that the kernel tells of");
}

std::string heap_text(const backend::VulkanDevice& device, const backend::VulkanHeap& heap) {
  std::string text = bytes_text(heap.bytes);
  text += device.budget_known ? fmt::format(", {} free", bytes_text(heap.budget_bytes))
                              : std::string(", budget unknown");
  if (!heap.device_local) return text + ", the processor's";
  return text + (heap.host_visible && !device.shares_memory ? ", mapped" : "");
}

std::string features_text(const backend::VulkanDevice& device) {
  std::string text;
  const auto add = [&text](bool has, std::string_view name) {
    if (has) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  };
  add(device.float16, "f16");
  add(device.storage16, "16-bit");
  add(device.storage8, "8-bit");
  add(device.int8_dot, device.int8_dot_fast ? "int8 dot" : "int8 dot, slow");
  add(device.cooperative_matrix, "matrices");
  return text.empty() ? "none of those that help" : text;
}

void add_figures(const measure::DeviceSurvey& survey, Table& table) {
  const measure::DeviceRates& rates = survey.rates;
  const auto row = [&table](const char* name, const Figure& figure, double times,
                            const char* unit) {
    if (figure.known()) table.row(name, three_digits(figure.value * times) + unit, figure.source);
  };
  row("read", rates.read_bytes_s, 1e-9, " GB/s");
  row("int8", rates.int8_ops_s, 1e-9, " GOP/s");
  row("f32", rates.f32_ops_s, 1e-9, " GOP/s");
  row("f16", rates.f16_ops_s, 1e-9, " GOP/s");
  row("upload", rates.upload_bytes_s, 1e-9, " GB/s");
  row("download", rates.download_bytes_s, 1e-9, " GB/s");
  row("submit", rates.submit_s, 1e6, " µs");
  if (!survey.why_unmeasured.empty()) table.line("not measured: " + survey.why_unmeasured);
}

void add_device(const measure::DeviceSurvey& survey, Table& table) {
  const backend::VulkanDevice& device = survey.device;
  table.title(fmt::format("Vulkan device {}", device.index));
  table.row("name", device.name);
  table.row("driver", device.driver);
  table.row("kind", fmt::format("{}, Vulkan {}.{}", backend::kind_name(device.kind),
                                device.api_major, device.api_minor));
  for (size_t i = 0; i < device.heaps.size(); ++i) {
    const bool main = static_cast<int>(i) == device.main_heap;
    table.row(fmt::format("heap {}{}", i, main ? ", main" : ""),
              heap_text(device, device.heaps[i]));
  }
  if (device.shares_memory) table.row("memory", "shared with the processor");
  if (survey.card) {
    table.row("card", survey.card->card);
    if (survey.card->vram_bytes) table.row("  VRAM", size_text(survey.card->vram_bytes));
    if (survey.card->gtt_bytes) table.row("  GTT", size_text(survey.card->gtt_bytes));
  }
  if (device.subgroup_size > 0)
    table.row("subgroup", fmt::format("{} lanes", device.subgroup_size));
  if (device.missing.empty()) table.row("features", features_text(device));
  add_figures(survey, table);
}

void add_roofs(const measure::Survey& survey, Table& table) {
  table.title(fmt::format("Roofs, {}", survey.machine.engine));
  for (const measure::ReadPoint& point : survey.reads)
    table.row(fmt::format("read, {} thr.", point.threads),
              three_digits(point.bytes_s / 1e9) + " GB/s", Source::kMeasured);
  table.row(
      "knee",
      fmt::format("{} of {} threads read all but 3 %", measure::knee(survey.reads), survey.threads),
      Source::kMeasured);
  for (const backend::Peaks& peak : survey.peaks)
    table.row(peak.isa,
              fmt::format("int8 {} GOP/s, f32 {} GOP/s", three_digits(peak.int8_ops_s / 1e9),
                          three_digits(peak.f32_ops_s / 1e9)),
              Source::kMeasured);
  table.row("ridge", fmt::format("{} operations a byte", three_digits(survey.machine.ridge())),
            Source::kMeasured);
  table.row("disk", rate_text(survey.disk.bytes_s, " GB/s"), survey.disk.bytes_s.source);
  if (!survey.disk.why_unknown.empty()) table.line(survey.disk.why_unknown);
}

void add_rates(const measure::Machine& machine, Table& table) {
  table.title("Kernels, one row and many");
  const auto row = [&](const std::string& name, const Figure& bytes_s, const Figure& ops_s) {
    table.row(name, rate_text(bytes_s, " GB/s") + ", " + rate_text(ops_s, " GOP/s"),
              bytes_s.source);
  };
  for (const measure::ProductRate& rate : machine.products)
    row(rate.format, rate.bytes_s, rate.ops_s);
  for (const measure::AttentionRate& rate : machine.attention)
    row("attention " + rate.kv, rate.bytes_s, rate.ops_s);
  for (const measure::AttentionRate& rate : machine.attention_64)
    row("heads 64 " + rate.kv, rate.bytes_s, rate.ops_s);
  table.row("layer", three_digits(machine.layer_s.value * 1e6) + " µs", machine.layer_s.source);
  table.row("between", three_digits(machine.elements_s.value / 1e9) + " G numbers/s",
            machine.elements_s.source);
  table.row("packing", rate_text(machine.pack_bytes_s, " GB/s"), machine.pack_bytes_s.source);
}

void add_noise(const measure::Noise& noise, Table& table) {
  table.title(fmt::format("Noise, over {} s", three_digits(noise.seconds)));
  const auto row = [&](const char* name, std::optional<double> value, double times,
                       const char* unit, Source source) {
    table.row(name, value ? fmt::format("{:.1f}{}", *value * times, unit) : "",
              value ? source : Source::kUnknown);
  };
  row("stolen", noise.stolen, 100, " % of CPU time", Source::kReported);
  row("throttled", noise.throttled, 100, " % of the time", Source::kReported);
  row("others", noise.others_cpus, 1, " CPUs", Source::kReported);
  row("load before", noise.load_average, 1, "", Source::kReported);
  row("spread", std::max(noise.read_spread, noise.int8_spread), 100, " % between the same roofs",
      Source::kMeasured);
}

}  // namespace

std::string survey_text(const measure::Survey& survey) {
  Table table;
  add_system(survey, table);
  add_roofs(survey, table);
  add_rates(survey.machine, table);
  for (const measure::DeviceSurvey& device : survey.devices) add_device(device, table);
  if (!survey.why_no_devices.empty()) {
    table.title("Vulkan");
    table.line(survey.why_no_devices);
  }
  add_noise(survey.noise, table);
  return table.take();
}

std::string probe_figures_text() {
  using measure::kCrowdedMost, measure::kSpreadMost, measure::kStolenMost, measure::kThrottledMost;
  return fmt::format(
      "Each figure is measured (here, by handmill), reported (by the system) or unknown. GB are\n"
      "10^9 bytes; a multiply-add is two operations; rates are those of all threads together.\n"
      "  read       memory that no cache holds, best of three, by number of threads; the knee is\n"
      "             the fewest threads within 3 % of the best\n"
      "  int8, f32  multiply-adds in registers, for each instruction set of handmill that runs "
      "here\n"
      "  ridge      int8 operations for a byte read, from which on arithmetic binds, not memory\n"
      "  disk       the default model's file (without one, the program's own) past the page\n"
      "             cache, one reader, at most a second; a virtual disk may have a cache of its "
      "own\n"
      "  q4_0 …     products with weights of that format: file bytes of weights a second under\n"
      "             one activation, operations a second under 512\n"
      "  attention  at depth 8192: bytes of the cache a second for one row, operations for 64\n"
      "  packing    bytes of a Q4_K file a second from memory into the kernels' layout\n"
      "  layer      what a layer of one decode step takes beside bytes and operations\n"
      "  VRAM, GTT  a GPU's own memory, and the system's that it may map; two pools\n"
      "  heap       memory as a Vulkan driver has it, and what a process may still take of it;\n"
      "             weights and caches go to the main one\n"
      "  features   what a device has of f16 arithmetic, numbers of 16 and 8 bits in memory, the\n"
      "             dot product of int8 (slow: not in one instruction), cooperative matrices\n"
      "  upload     copies into a device's memory, and out of it\n"
      "  submit     a submission with next to no work, and the wait for it\n"
      "  stolen     CPU time that was wanted here and went to other guests of the host\n"
      "  throttled  time for which a CPU quota held threads back\n"
      "  others     CPUs that other processes kept busy\n"
      "  spread     (highest - lowest) / highest of a roof that was measured four times\n"
      "Figures are shown but refused, that is not kept, with exit code 1, where more than\n"
      "{:.0f} % were stolen or {:.0f} % throttled, others took more than {:.0f} % of our threads' "
      "CPUs (those\n"
      "left free are theirs), or the spread is above {:.0f} %.",
      100 * kStolenMost, 100 * kThrottledMost, 100 * kCrowdedMost, 100 * kSpreadMost);
}

}  // namespace handmill::cli
