// The machine's facts from sched_getaffinity, /proc and /sys. Invariant: whatever these files hold,
// the answer is usable: at least one thread and one core, and never more memory than there is.
#include "probe/machine.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sched.h>
#include <set>

#include "base/checked.h"
#include "probe/cgroup.h"
#include "probe/system_file.h"

namespace handmill::probe {
namespace {

std::string cpu_folder(const std::string& root, int cpu) {
  return fmt::format("{}/sys/devices/system/cpu/cpu{}", root, cpu);
}

/// "48K", "32M", "32768": bytes.
std::optional<uint64_t> parse_size(std::string_view text) {
  text = trim(text);
  uint64_t unit = 1;
  if (text.ends_with('K')) unit = 1 << 10;
  if (text.ends_with('M')) unit = 1 << 20;
  if (text.ends_with('G')) unit = 1 << 30;
  if (unit != 1) text.remove_suffix(1);
  const auto number = parse_number<uint64_t>(text);
  return number ? base::checked_mul(*number, unit) : std::nullopt;
}

}  // namespace

std::vector<int> affinity_cpus() {
  // The kernel's mask may be wider than cpu_set_t's 1024; EINVAL says so.
  for (int width = 1024; width <= 1 << 20; width *= 2) {
    cpu_set_t* set = CPU_ALLOC(width);
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(width);
    const bool known = ::sched_getaffinity(0, bytes, set) == 0;
    const bool wider = !known && errno == EINVAL;
    std::vector<int> cpus;
    for (int cpu = 0; known && cpu < width; ++cpu)
      if (CPU_ISSET_S(cpu, bytes, set)) cpus.push_back(cpu);
    CPU_FREE(set);
    if (!cpus.empty()) return cpus;
    if (!wider) break;
  }
  return {0};
}

std::string read_cpu_name(const std::string& root) {
  const auto text = read_system_file(root + "/proc/cpuinfo").value_or("");
  for (std::string_view line : split(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon == line.npos || trim(line.substr(0, colon)) != "model name") continue;
    const auto name = trim(line.substr(colon + 1));
    if (!name.empty()) return std::string(name);
  }
  return "unknown CPU";
}

int count_cores(const std::string& root, std::span<const int> cpus) {
  std::set<std::string> cores;  // by the list of CPUs that share the core
  for (int cpu : cpus) {
    const std::string topology = cpu_folder(root, cpu) + "/topology";
    auto siblings = read_system_file(topology + "/core_cpus_list");
    if (!siblings) siblings = read_system_file(topology + "/thread_siblings_list");  // before 5.3
    const auto list = siblings ? trim(*siblings) : std::string_view();
    cores.insert(list.empty() ? fmt::format("cpu {}", cpu) : std::string(list));
  }
  return std::max(1, static_cast<int>(cores.size()));
}

Caches read_caches(const std::string& root, int cpu) {
  Caches caches;
  for (int index = 0; index < 16; ++index) {
    const std::string folder = fmt::format("{}/cache/index{}", cpu_folder(root, cpu), index);
    const auto level = read_number<int>(folder + "/level");
    if (!level) break;
    const auto type = read_system_file(folder + "/type").value_or("");
    const auto bytes = parse_size(read_system_file(folder + "/size").value_or(""));
    if (!bytes || trim(type) == "Instruction") continue;
    if (*level == 1) caches.l1d_bytes = *bytes;
    if (*level == 2) caches.l2_bytes = *bytes;
    if (*level == 3) caches.l3_bytes = *bytes;
  }
  return caches;
}

Memory read_memory(const std::string& root) {
  const auto text = read_system_file(root + "/proc/meminfo").value_or("");
  auto bytes = [&](std::string_view key) {
    const uint64_t kilobytes = find_number(text, key).value_or(0);
    return base::checked_mul(kilobytes, uint64_t{1024}).value_or(0);
  };
  Memory memory;
  memory.total_bytes = bytes("MemTotal");
  memory.available_bytes = bytes("MemAvailable");
  const CgroupLimits limits = read_cgroup_limits(root);
  if (limits.memory_bytes) memory.total_bytes = std::min(memory.total_bytes, *limits.memory_bytes);
  if (limits.memory_free_bytes)
    memory.available_bytes = std::min(memory.available_bytes, *limits.memory_free_bytes);
  memory.available_bytes = std::min(memory.available_bytes, memory.total_bytes);
  return memory;
}

int count_threads(const std::string& root, std::span<const int> cpus) {
  const int allowed = std::max(1, static_cast<int>(cpus.size()));
  return std::min(allowed, read_cgroup_limits(root).threads.value_or(allowed));
}

Result<Machine> read_machine(const std::string& root) {
  Machine machine;
  HANDMILL_TRY(machine.isa, chosen_isa());
  const std::vector<int> cpus = affinity_cpus();
  machine.cpu_name = read_cpu_name(root);
  machine.threads_usable = count_threads(root, cpus);
  machine.cores_usable = count_cores(root, cpus);
  machine.caches = read_caches(root, cpus.front());
  machine.memory = read_memory(root);
  return machine;
}

}  // namespace handmill::probe
