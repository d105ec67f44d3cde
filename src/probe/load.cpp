// /proc/stat and /proc/loadavg are in proc(5); control groups are cgroup.h's.
#include "probe/load.h"

#include <array>
#include <charconv>
#include <chrono>
#include <sys/resource.h>
#include <unistd.h>

#include "probe/system_file.h"

namespace handmill::probe {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double own_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::optional<CpuTimes> read_cpu_times(const std::string& root, long ticks_s) {
  const std::string text = read_system_file(root + "/proc/stat").value_or("");
  std::optional<CpuTimes> times;
  int cpus = 0;
  for (std::string_view line : split(text, '\n')) {
    const auto fields = words(line);
    if (fields.empty() || !fields[0].starts_with("cpu")) continue;
    if (fields[0] != "cpu") {
      ++cpus;
      continue;
    }
    // user nice system idle iowait irq softirq steal; guests' time is in user already
    std::array<uint64_t, 8> ticks{};
    if (fields.size() <= ticks.size()) return std::nullopt;
    for (size_t i = 0; i < ticks.size(); ++i) {
      const auto number = parse_number<uint64_t>(fields[i + 1]);
      if (!number) return std::nullopt;
      ticks[i] = *number;
    }
    const auto unit = static_cast<double>(ticks_s);
    const uint64_t busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6];
    times = CpuTimes{1, static_cast<double>(busy) / unit, static_cast<double>(ticks[7]) / unit};
  }
  if (times && cpus > 0) times->cpus = cpus;
  return times;
}

std::optional<double> read_load_average(const std::string& root) {
  const std::string text = read_system_file(root + "/proc/loadavg").value_or("");
  const auto fields = words(text);
  if (fields.empty()) return std::nullopt;
  double value = 0;
  const char* end = fields[0].data() + fields[0].size();
  const auto [at, fault] = std::from_chars(fields[0].data(), end, value);
  if (fault != std::errc() || at != end) return std::nullopt;
  return value;
}

LoadReading read_load(const std::string& root) {
  LoadReading reading;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  reading.at_s = std::chrono::duration<double>(now).count();
  reading.own_s = own_time();
  reading.cpu = read_cpu_times(root, ::sysconf(_SC_CLK_TCK));
  reading.throttling = read_throttling(root);
  reading.load_average = read_load_average(root);
  return reading;
}

}  // namespace handmill::probe
