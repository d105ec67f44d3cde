#include "measure/environment.h"

#include <boost/json.hpp>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include "probe/machine.h"
#include "probe/system_file.h"

namespace handmill::measure {
namespace {

std::string compiler_name() {
#ifdef __clang__
  return fmt::format("Clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("GNU {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

std::string kernel_name() {
  struct utsname names{};
  if (::uname(&names) != 0) return "";
  return fmt::format("{} {}", names.sysname, names.release);
}

boost::json::value known(const std::string& text) {
  return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
}
boost::json::value known(uint64_t number) {
  return number == 0 ? boost::json::value(nullptr) : boost::json::value(number);
}

}  // namespace

Result<Environment> read_environment(const std::string& version) {
  HANDMILL_TRY(const probe::Machine machine, probe::read_machine());
  Environment out;
  out.version = version;
  out.compiler = compiler_name();
  out.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  out.cpu = machine.cpu_name;
  out.isa = probe::isa_name(machine.isa);
  out.kernel = kernel_name();
  out.governor =
      probe::trim(probe::read_system_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
                      .value_or(""));
  out.threads_usable = machine.threads_usable;
  out.memory_bytes = machine.memory.total_bytes;
  return out;
}

boost::json::object to_json(const Environment& environment) {
  boost::json::object out = {{"version", environment.version},
                             {"compiler", environment.compiler},
                             {"started", environment.started},
                             {"target", environment.target},
                             {"model_bytes", known(environment.model_bytes)},
                             {"speculate", known(environment.speculate)},
                             {"cpu", environment.cpu},
                             {"isa", environment.isa},
                             {"kernel", known(environment.kernel)},
                             {"governor", known(environment.governor)},
                             {"threads_usable", environment.threads_usable},
                             {"memory_bytes", known(environment.memory_bytes)},
                             {"noise", nullptr}};
  if (environment.noise) out["noise"] = to_json(*environment.noise);
  return out;
}

uint64_t peak_rss_bytes() {
  const auto status = probe::read_system_file("/proc/self/status");
  return status ? 1024 * probe::find_number(*status, "VmHWM").value_or(0) : 0;
}

}  // namespace handmill::measure
