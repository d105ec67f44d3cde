#include "cli/other_machine.h"

#include "backend/vulkan/vulkan.h"
#include "base/error.h"
#include "cli/machine_file.h"
#include "measure/device_survey.h"

namespace handmill::cli {
namespace {

Result<measure::GivenMachine> device_here(const backend::VulkanDevice& device, int threads) {
  HANDMILL_TRY(const auto kept, kept_machine(threads));
  const auto* rates = kept ? measure::find_rates(*kept, device) : nullptr;
  if (rates == nullptr)
    return base::not_found("{} has not been measured with this driver: `handmill probe` does it",
                           device.name);
  return measure::GivenMachine{measure::device_machine(*rates, device),
                               "measured here; products by its shaders alone, whatever its matrix "
                               "units could add"};
}

}  // namespace

Result<measure::GivenMachine> other_machine(const std::string& on, int threads) {
  auto given = measure::given_machine(on);
  if (given.ok() || given.error().code != Code::kNotFound) return given;
  const auto devices = backend::list_vulkan_devices();
  const auto device = devices.ok()
                          ? backend::choose_vulkan_device(*devices, on == "gpu" ? "auto" : on)
                          : Result<backend::VulkanDevice>(
                                base::not_found("no Vulkan device: {}", devices.error().message));
  if (device.ok()) return device_here(*device, threads);
  if (device.error().code != Code::kNotFound) return device.error();
  return base::not_found("{}; and {}", given.error().message, device.error().message);
}

}  // namespace handmill::cli
