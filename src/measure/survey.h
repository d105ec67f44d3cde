// Everything that handmill can tell of the machine it runs on: what the system reports, what it
// measures itself, and how quiet the machine was meanwhile. What predictions divide by is the
// `machine` in it, which alone is kept.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/cpu/cpu.h"
#include "base/progress.h"
#include "measure/device_survey.h"
#include "measure/machine.h"
#include "measure/noise.h"
#include "probe/cgroup.h"
#include "probe/gpu.h"
#include "probe/machine.h"

namespace handmill::measure {

/// Reading from memory with so many threads.
struct ReadPoint {
  int threads;
  double bytes_s;
};

struct DiskRead {
  std::string path;
  Figure bytes_s;
  std::string why_unknown;  // where it is
};

struct Survey {
  probe::Machine system;
  probe::CgroupLimits limits;
  std::vector<probe::Gpu> gpus;
  std::vector<DeviceSurvey> devices;  // that Vulkan's drivers offer
  std::string why_no_devices;         // where a driver failed
  int threads = 1;                    // that were measured with
  std::vector<ReadPoint> reads;       // by ascending number of threads
  std::vector<backend::Peaks> peaks;  // of each instruction set, the best last
  DiskRead disk;
  Noise noise;
  Machine machine;
};

/// The fewest threads within 3 % of the highest rate; 0 where there are no points.
int knee(std::span<const ReadPoint> reads);

/// The numbers of threads to measure up to `threads` ≥ 1: all up to 16, then sixteenths of it.
std::vector<int> thread_counts(int threads);

/// "AMD EPYC 9654, 2 threads" and "avx512vnni, 2 threads": what names a machine's figures.
std::string machine_name(const probe::Machine& system, int threads);
std::string engine_name(const probe::Machine& system, int threads);

/// Measures with `threads` threads, in about 10 s; the disk by a file's path, if not empty. What
/// cannot be measured is unknown; a lack of memory or threads is an error. `progress` counts steps.
Result<Survey> survey(int threads, const std::string& disk_path, const base::Progress& progress);

/// Every figure of it with its source.
boost::json::object to_json(const Survey& survey);

}  // namespace handmill::measure
