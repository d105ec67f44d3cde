// Whether a measurement can be trusted: what else ran on the machine meanwhile, and how far the
// same roof, measured again and again, was from itself.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probe/load.h"

namespace handmill::measure {

// From here on figures are refused. A guest on a shared host sees a few percent of each of these
// all the time; twice that and a kernel's rate says more of the neighbours than of the machine.
inline constexpr double kStolenMost = 0.05;     // of the CPU time that was wanted
inline constexpr double kThrottledMost = 0.02;  // of the time
inline constexpr double kCrowdedMost = 0.15;    // of our threads' CPUs
inline constexpr double kSpreadMost = 0.20;     // of the highest

struct Noise {
  double seconds = 0;               // that the measurement took
  std::optional<double> stolen;     // part of the CPU time wanted here that other guests got
  std::optional<double> throttled;  // part of the time in which a quota held threads back
  std::optional<uint64_t> throttled_times;
  std::optional<double> others_cpus;   // CPUs that other processes kept busy
  std::optional<double> crowded;       // part of our threads' CPUs that those took from us
  std::optional<double> load_average;  // before
  double read_spread = 0;              // (highest − lowest) / highest of the repeated roofs
  double int8_spread = 0;
  std::vector<std::string> refusals;  // why the figures are not to be kept; empty: they are
  bool refused() const { return !refusals.empty(); }
};

/// (highest − lowest) / highest; 0 for less than two values. REQUIRES: values above 0.
double spread_of(std::span<const double> values);

/// Of a measurement with `threads` threads between two readings, with the roofs that it repeated.
Noise judge(const probe::LoadReading& before, const probe::LoadReading& after, int threads,
            std::span<const double> read_roofs, std::span<const double> int8_roofs);

boost::json::object to_json(const Noise& noise);

}  // namespace handmill::measure
