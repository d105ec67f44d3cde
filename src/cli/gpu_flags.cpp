#include "cli/gpu_flags.h"

#include <algorithm>

#include "base/error.h"
#include "cli/home.h"
#include "cli/machine_file.h"
#include "measure/predict.h"

namespace handmill::cli {
namespace {

Status check(const GpuFlags& flags) {
  if (flags.device != engine::kNoGpu || (flags.layers <= 0 && flags.memory_bytes == 0)) return {};
  return base::invalid("{} has nothing to do with --gpu none",
                       flags.layers > 0 ? "--gpu-layers" : "--gpu-memory");
}

/// What products with weights reach of memory: as measured of the commonest format, else the share
/// of the roof that predictions take.
double product_bytes_s(const measure::Machine& machine) {
  for (const measure::ProductRate& rate : machine.products)
    if (rate.format == "q4_k" && rate.bytes_s.known()) return rate.bytes_s.value;
  return machine.read_bytes_s.value * measure::kReadShare;
}

double product_ops_s(const measure::Machine& machine) {
  for (const measure::ProductRate& rate : machine.products)
    if (rate.format == "q4_k" && rate.ops_s.known()) return rate.ops_s.value;
  return machine.ops_s.value * measure::kOpsShare;
}

/// Its shaders multiply codes where they can; what its matrix units add was not measured.
double device_ops_s(const measure::DeviceRates& rates) {
  return std::max(rates.int8_ops_s.value, rates.f32_ops_s.value) * measure::kOpsShare;
}

engine::GpuFigures figures_of(const measure::Machine& machine, const engine::GpuDevice& device) {
  for (const measure::DeviceRates& rates : machine.devices)
    if (rates.name == device.name && rates.driver == device.driver)
      return {
          .cpu_bytes_s = product_bytes_s(machine),
          .device_bytes_s = rates.read_bytes_s.value * measure::kReadShare,
          .cpu_ops_s = product_ops_s(machine),
          .device_ops_s = device_ops_s(rates),
          .submit_s = rates.submit_s.value,
          .transfer_bytes_s = std::min(rates.upload_bytes_s.value, rates.download_bytes_s.value)};
  return {};
}

}  // namespace

const char* const kGpuNote =
    "A model that a GPU's memory holds is computed there. One that is larger is divided: its last\n"
    "layers are the GPU's, and where `handmill probe` measured both sides and it pays, each of\n"
    "them leaves the processor a part to compute at the same time. `handmill explain` shows how.";

void declare_gpu(Args& args, GpuFlags& flags) {
  args.option("--gpu", "auto|none|NAME", flags.device,
              "Compute on this GPU: its name, a part of that, or its number as `handmill probe` "
              "shows it; auto takes one where there is one [auto]");
  args.option(
      "--gpu-layers", "auto|N",
      [&flags](const std::vector<std::string>& values) -> Status {
        flags.layers = -1;
        if (values.back() == "auto") return {};
        HANDMILL_TRY(const int64_t layers, parse_integer(values.back(), 0, 1 << 16));
        flags.layers = static_cast<int>(layers);
        return {};
      },
      "Put the last N layers there, and the head too with more than there are; auto: as many as "
      "fit and pay [auto]");
  args.option(
      "--gpu-memory", "SIZE",
      [&flags](const std::vector<std::string>& values) -> Status {
        HANDMILL_TRY(flags.memory_bytes, parse_bytes(values.back()));
        return {};
      },
      "Take at most so much of its memory, such as 6G [what is free of it]");
  args.check([&flags] { return check(flags); });
}

engine::GpuOptions gpu_options(const GpuFlags& flags, int threads) {
  engine::GpuOptions options;
  options.device = flags.device;
  options.layers = flags.layers;
  options.memory_bytes = flags.memory_bytes;
  options.cache_folder = shaders_folder();
  options.figures = [threads](const engine::GpuDevice& device) {
    const auto machine = kept_machine(threads);
    return machine.ok() && *machine ? figures_of(**machine, device) : engine::GpuFigures{};
  };
  return options;
}

}  // namespace handmill::cli
