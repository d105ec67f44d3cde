// Facts about this machine that the engine plans by: instruction set, threads that may run, cores,
// caches, memory. What the kernel does not tell is 0 or the cautious value; only a wrong
// HANDMILL_CPU is an error.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "probe/isa.h"

namespace handmill::probe {

/// Of the first usable CPU, one instance each; 0: unknown.
struct Caches {
  uint64_t l1d_bytes = 0;
  uint64_t l2_bytes = 0;
  uint64_t l3_bytes = 0;
};

struct Memory {
  uint64_t total_bytes = 0;      // the machine's, or the control group's limit where that is less
  uint64_t available_bytes = 0;  // for new use without swapping, and within that limit
};

struct Machine {
  std::string cpu_name;    // "AMD EPYC 9654"; "unknown CPU" where the kernel does not say
  Isa isa = Isa::kScalar;  // the level in use
  int threads_usable = 1;  // CPUs of the affinity mask, at most the cgroup's quota; at least 1
  int cores_usable = 1;    // physical cores with a CPU in the affinity mask
  Caches caches;
  Memory memory;

  /// How many threads compute best: one per physical core, never more than may run at once.
  int threads_best() const { return cores_usable < threads_usable ? cores_usable : threads_usable; }
};

/// CPUs that the affinity mask lets this process run on (cpusets are in it), ascending.
std::vector<int> affinity_cpus();

// The pieces. `root` stands before /proc and /sys ("" for the machine, a folder for a made-up one).
std::string read_cpu_name(const std::string& root);
int count_cores(const std::string& root, std::span<const int> cpus);
Caches read_caches(const std::string& root, int cpu);
Memory read_memory(const std::string& root);
int count_threads(const std::string& root, std::span<const int> cpus);

/// All of it.
Result<Machine> read_machine(const std::string& root = "");

}  // namespace handmill::probe
