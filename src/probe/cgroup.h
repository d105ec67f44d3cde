// What the control groups that this process lives in allow it: CPU time and memory, over every
// ancestor, cgroup v2 and v1 and both at once. A limit that cannot be read or makes no sense is no
// limit. Serves machine.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace handmill::probe {

struct CgroupLimits {
  /// Whole threads that the tightest quota pays for: floor(quota / period), at least 1. Floor: one
  /// thread too many in a lockstep team makes all of them wait for the throttled one.
  std::optional<int> threads;
  /// The smallest memory.max or memory.high (v1: memory.limit_in_bytes).
  std::optional<uint64_t> memory_bytes;
  /// What is left of the fullest one, page cache counted as free.
  std::optional<uint64_t> memory_free_bytes;
};

/// How a CPU quota held the groups' threads back so far: counters that only grow.
struct Throttling {
  uint64_t times = 0;  // periods in which the quota was spent
  double time_s = 0;   // for which threads were held back, added up over them
};

/// Of the calling process's group or the one around it that was held back longest; nullopt where
/// no group tells. `root` as below.
std::optional<Throttling> read_throttling(const std::string& root = "");

/// Of the calling process. `root` stands before every path that is read ("" for the machine, a
/// folder for a made-up one): ROOT/proc/self/cgroup, ROOT/proc/self/mountinfo, and the mounts that
/// the latter names.
CgroupLimits read_cgroup_limits(const std::string& root = "");

}  // namespace handmill::probe
