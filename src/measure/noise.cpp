#include "measure/noise.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

namespace handmill::measure {
namespace {

void refuse_above(double most, std::optional<double> value, std::string_view what, Noise& noise) {
  if (value && *value > most)
    noise.refusals.push_back(
        fmt::format("{:.0f} % {}; at most {:.0f} % are fine", 100 * *value, what, 100 * most));
}

template <class T>
boost::json::value known(const std::optional<T>& value) {
  return value ? boost::json::value(*value) : boost::json::value(nullptr);
}

}  // namespace

double spread_of(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const auto [low, high] = std::ranges::minmax(values);
  return (high - low) / high;
}

Noise judge(const probe::LoadReading& before, const probe::LoadReading& after, int threads,
            std::span<const double> read_roofs, std::span<const double> int8_roofs) {
  Noise noise;
  noise.seconds = std::max(after.at_s - before.at_s, 1e-6);
  noise.load_average = before.load_average;
  if (before.cpu && after.cpu) {
    const double busy = std::max(0.0, after.cpu->busy_s - before.cpu->busy_s);
    const double stolen = std::max(0.0, after.cpu->stolen_s - before.cpu->stolen_s);
    const double own = after.own_s - before.own_s;
    noise.stolen = busy + stolen > 0 ? stolen / (busy + stolen) : 0;
    noise.others_cpus = std::max(0.0, busy - own) / noise.seconds;
    // CPUs that we leave free are theirs.
    noise.crowded = std::max(0.0, *noise.others_cpus + threads - after.cpu->cpus) / threads;
  }
  if (before.throttling && after.throttling) {
    noise.throttled =
        std::max(0.0, after.throttling->time_s - before.throttling->time_s) / noise.seconds;
    noise.throttled_times =
        after.throttling->times - std::min(before.throttling->times, after.throttling->times);
  }
  noise.read_spread = spread_of(read_roofs);
  noise.int8_spread = spread_of(int8_roofs);
  refuse_above(kStolenMost, noise.stolen, "of the CPU time went to other guests of the host",
               noise);
  refuse_above(kThrottledMost, noise.throttled, "of the time a CPU quota held threads back", noise);
  refuse_above(kCrowdedMost, noise.crowded, "of the threads' CPUs were taken by other processes",
               noise);
  refuse_above(kSpreadMost, noise.read_spread, "lie between readings of the same memory", noise);
  refuse_above(kSpreadMost, noise.int8_spread, "lie between peaks of the same arithmetic", noise);
  return noise;
}

boost::json::object to_json(const Noise& noise) {
  boost::json::array refusals;
  for (const std::string& refusal : noise.refusals) refusals.emplace_back(refusal);
  return {{"seconds", noise.seconds},
          {"stolen", known(noise.stolen)},
          {"throttled", known(noise.throttled)},
          {"throttled_times", known(noise.throttled_times)},
          {"others_cpus", known(noise.others_cpus)},
          {"crowded", known(noise.crowded)},
          {"load_average", known(noise.load_average)},
          {"read_spread", noise.read_spread},
          {"int8_spread", noise.int8_spread},
          {"refusals", std::move(refusals)}};
}

}  // namespace handmill::measure
