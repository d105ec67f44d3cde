// What the processor does at most, by instruction set and by number of threads, with the meter of
// roofs.h.
#include <algorithm>
#include <system_error>

#include "backend/cpu/cpu.h"
#include "backend/cpu/roofs.h"
#include "base/error.h"
#include "probe/isa.h"

namespace handmill::backend {
namespace {

constexpr size_t kFewBytes = 4096;  // peaks read next to nothing

Error no_threads(int threads, const std::system_error& error) {
  return base::limit("{} threads: the system gives no more ({})", threads, error.what());
}

}  // namespace

Result<std::vector<Peaks>> measure_peaks(int threads) try {
  constexpr int kRates = 4;
  Threads team(threads);
  std::vector<Peaks> peaks;
  for (const Kernels* kernels : runnable_kernels()) {
    HANDMILL_TRY(RoofMeter meter, RoofMeter::make(*kernels, team, kFewBytes));
    Peaks best{kernels->name, 0, 0};
    for (int i = 0; i < kRates; ++i) {
      best.int8_ops_s = std::max(best.int8_ops_s, meter.int8_rate());
      best.f32_ops_s = std::max(best.f32_ops_s, meter.f32_rate());
    }
    peaks.push_back(std::move(best));
  }
  return peaks;
} catch (const std::system_error& error) {
  return no_threads(threads, error);
}

Result<std::vector<double>> measure_reads(std::span<const int> counts, int rounds) {
  std::vector<double> rates(counts.size(), 0);
  if (counts.empty()) return rates;
  const int most = *std::ranges::max_element(counts);
  try {
    HANDMILL_TRY(const probe::Isa isa, probe::chosen_isa());
    // The whole team touches the memory, so that each node of it has a part.
    Threads team(most);
    HANDMILL_TRY(RoofMeter all, RoofMeter::make(kernels_for(isa), team, roof_bytes()));
    for (size_t i = 0; i < counts.size(); ++i) {
      Threads own(counts[i]);
      RoofMeter meter(all, own);
      for (int round = 0; round < rounds; ++round)
        rates[i] = std::max(rates[i], meter.read_bandwidth());
    }
  } catch (const std::system_error& error) {
    return no_threads(most, error);
  }
  return rates;
}

}  // namespace handmill::backend
