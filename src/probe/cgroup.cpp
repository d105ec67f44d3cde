// Walks from the process's control group to the top of each hierarchy's mount. Invariant: every
// level that is visible counts, for a nested group can be looser than the one around it. Sources:
// Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/, proc(5) for mountinfo.
#include "probe/cgroup.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "probe/system_file.h"

namespace handmill::probe {
namespace {

/// A mounted hierarchy.
struct Hierarchy {
  bool v2;
  std::vector<std::string_view> controllers;  // of v1
  std::string top;                            // which group the mount shows as its own top
  std::string mount;
};

/// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) &&
        octal(text[i + 3])) {
      out +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<Hierarchy> parse_mounts(std::string_view mountinfo) {
  std::vector<Hierarchy> found;
  for (std::string_view line : split(mountinfo, '\n')) {
    // id parent major:minor top mount options [tags…] - type source options
    const auto fields = words(line);
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    const bool v2 = dash[1] == "cgroup2";
    if (!v2 && dash[1] != "cgroup") continue;
    found.push_back({v2, split(dash[3], ','), unescape(fields[3]), unescape(fields[4])});
  }
  return found;
}

/// The process's own group in the hierarchy, from /proc/self/cgroup ("4:memory:/a/b", "0::/a/b").
std::string own_group(std::string_view groups, const Hierarchy& hierarchy,
                      std::string_view controller) {
  for (std::string_view line : split(groups, '\n')) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first == line.npos ? first : first + 1);
    if (second == line.npos) continue;
    const auto names = split(line.substr(first + 1, second - first - 1), ',');
    const bool ours = hierarchy.v2 ? line.starts_with("0::")
                                   : std::ranges::find(names, controller) != names.end();
    if (ours) return std::string(line.substr(second + 1));
  }
  return "/";
}

/// Folders of the process's group and of every group around it, innermost first.
std::vector<std::string> levels(const Hierarchy& hierarchy, std::string group) {
  // A mount of a part of the hierarchy (a container's) shows paths below its own top.
  if (hierarchy.top != "/") {
    const bool inside = group == hierarchy.top || group.starts_with(hierarchy.top + "/");
    group = inside ? group.substr(hierarchy.top.size()) : "";
  }
  // "/../x": a group outside of our cgroup namespace, which the mount cannot show.
  if (group == "/.." || group.starts_with("/../")) group = "";
  std::vector<std::string> folders;
  while (!group.empty() && group != "/") {
    folders.push_back(hierarchy.mount + group);
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
  folders.push_back(hierarchy.mount);
  return folders;
}

template <class T>
void tighten(std::optional<T>& limit, std::optional<T> other) {
  if (other && (!limit || *other < *limit)) limit = other;
}

std::optional<int> quota_threads(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<int>(std::clamp<int64_t>(*quota / *period, 1, 1 << 20));
}

void add_cpu_v2(const std::string& folder, CgroupLimits& limits) {
  const auto text = read_system_file(folder + "/cpu.max");  // "50000 100000", "max 100000"
  if (!text) return;
  const auto fields = words(*text);
  if (fields.size() != 2) return;
  tighten(limits.threads,
          quota_threads(parse_number<int64_t>(fields[0]), parse_number<int64_t>(fields[1])));
}

void add_cpu_v1(const std::string& folder, CgroupLimits& limits) {
  tighten(limits.threads, quota_threads(read_number<int64_t>(folder + "/cpu.cfs_quota_us"),
                                        read_number<int64_t>(folder + "/cpu.cfs_period_us")));
}

void add_memory(const std::string& folder, std::optional<uint64_t> limit,
                const std::string& usage_file, std::string_view stat_prefix, CgroupLimits& limits) {
  constexpr uint64_t kNone = uint64_t{1} << 62;  // v1 says "no limit" with 2^63 less a page
  if (!limit || *limit >= kNone) return;
  tighten(limits.memory_bytes, limit);
  const auto used = read_number<uint64_t>(folder + usage_file);
  if (!used) return;
  // Clean page cache is charged to the group, and given back before anything is killed.
  uint64_t cache = 0;
  if (const auto stat = read_system_file(folder + "/memory.stat"))
    for (const char* key : {"inactive_file", "active_file"})
      cache += find_number(*stat, std::string(stat_prefix) + key).value_or(0);
  const uint64_t held = *used - std::min(*used, cache);
  tighten(limits.memory_free_bytes, std::optional(*limit - std::min(*limit, held)));
}

void add_memory_v2(const std::string& folder, CgroupLimits& limits) {
  auto limit = read_number<uint64_t>(folder + "/memory.max");  // "max" is no number
  tighten(limit, read_number<uint64_t>(folder + "/memory.high"));
  add_memory(folder, limit, "/memory.current", "", limits);
}

void add_memory_v1(const std::string& folder, CgroupLimits& limits) {
  add_memory(folder, read_number<uint64_t>(folder + "/memory.limit_in_bytes"),
             "/memory.usage_in_bytes", "total_", limits);
}

/// Calls add(folder, v2) for every folder of the controller that the process is in.
template <class Add>
void each_level(const std::string& root, std::string_view controller, Add add) {
  const auto mountinfo = read_system_file(root + "/proc/self/mountinfo");
  const auto groups = read_system_file(root + "/proc/self/cgroup");
  if (!mountinfo || !groups) return;
  for (const Hierarchy& hierarchy : parse_mounts(*mountinfo)) {
    if (!hierarchy.v2 &&
        std::ranges::find(hierarchy.controllers, controller) == hierarchy.controllers.end())
      continue;
    for (const auto& folder : levels(hierarchy, own_group(*groups, hierarchy, controller)))
      add(root + folder, hierarchy.v2);
  }
}

}  // namespace

std::optional<Throttling> read_throttling(const std::string& root) {
  std::optional<Throttling> most;
  each_level(root, "cpu", [&](const std::string& folder, bool v2) {
    const auto text = read_system_file(folder + "/cpu.stat");
    if (!text) return;
    const auto times = find_number(*text, "nr_throttled");
    const auto time = find_number(*text, v2 ? "throttled_usec" : "throttled_time");  // v1: ns
    if (!times || !time) return;
    const Throttling one{*times, static_cast<double>(*time) * (v2 ? 1e-6 : 1e-9)};
    if (!most || one.time_s > most->time_s) most = one;
  });
  return most;
}

CgroupLimits read_cgroup_limits(const std::string& root) {
  CgroupLimits limits;
  each_level(root, "cpu", [&](const std::string& folder, bool v2) {
    v2 ? add_cpu_v2(folder, limits) : add_cpu_v1(folder, limits);
  });
  each_level(root, "memory", [&](const std::string& folder, bool v2) {
    v2 ? add_memory_v2(folder, limits) : add_memory_v1(folder, limits);
  });
  return limits;
}

}  // namespace handmill::probe
