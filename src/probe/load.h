// What else ran on this machine, as counters that only grow: two readings tell what happened
// between them. A counter that cannot be read is unknown.
#pragma once

#include <optional>
#include <string>

#include "probe/cgroup.h"

namespace handmill::probe {

/// CPU time in seconds, of all CPUs together since the machine started.
struct CpuTimes {
  int cpus = 0;         // that are on line; at least 1
  double busy_s = 0;    // in processes, the kernel and interrupts
  double stolen_s = 0;  // wanted, but given to another guest of the same host
};

struct LoadReading {
  double at_s = 0;   // of a clock that only goes forward
  double own_s = 0;  // CPU time of this process
  std::optional<CpuTimes> cpu;
  std::optional<Throttling> throttling;  // of the control group, or one around it, held back most
  std::optional<double> load_average;    // over one minute, this process included
};

// The pieces. `root` stands before /proc and /sys ("" for the machine, a folder for a made-up one).
/// `ticks_s`: how many of the file's units are a second.
std::optional<CpuTimes> read_cpu_times(const std::string& root, long ticks_s);
std::optional<double> read_load_average(const std::string& root);

/// All of it, now.
LoadReading read_load(const std::string& root = "");

}  // namespace handmill::probe
