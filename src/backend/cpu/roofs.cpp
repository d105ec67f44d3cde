#include "backend/cpu/roofs.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

namespace handmill::backend {
namespace {

constexpr size_t kReadUnit = 4096;  // a task's bytes are a multiple of this
constexpr size_t kSteps = 200000;   // of kRoofChains products: some tenths of a millisecond

std::atomic<uint64_t> used;  // keeps the measured work from being left out

template <class Work>
double seconds_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Result<RoofMeter> RoofMeter::make(const Kernels& kernels, Threads& threads, size_t bytes) {
  RoofMeter meter(kernels, threads);
  const size_t unit = kReadUnit * static_cast<size_t>(threads.count());
  HANDMILL_TRY(meter.memory_, Memory::allocate(std::max(bytes / unit, size_t{1}) * unit));
  const size_t each = meter.memory_.size() / static_cast<size_t>(threads.count());
  threads.run(static_cast<size_t>(threads.count()),
              [&](size_t part, int) { std::memset(meter.memory_.data() + part * each, 1, each); });
  return meter;
}

/// Threads that sleep would come late, and one of them do the others' share.
void RoofMeter::wake() {
  threads_->run(static_cast<size_t>(threads_->count()),
                [&](size_t, int) { used = kernels_->dot_steps(memory_.data(), kSteps / 4); });
}

double RoofMeter::read_bandwidth() {
  wake();
  const auto parts = static_cast<size_t>(threads_->count());
  const size_t each = memory_.size() / parts;
  const double seconds = seconds_of([&] {
    threads_->run(parts, [&](size_t part, int) {
      used = kernels_->read_bytes(memory_.data() + part * each, each);
    });
  });
  return static_cast<double>(memory_.size()) / seconds;
}

double RoofMeter::int8_rate() {
  wake();
  const auto parts = static_cast<size_t>(threads_->count());
  const double seconds = seconds_of([&] {
    threads_->run(parts, [&](size_t, int) { used = kernels_->dot_steps(memory_.data(), kSteps); });
  });
  return 2.0 * 64 * static_cast<double>(kRoofChains * kSteps * parts) / seconds;
}

Roofs RoofMeter::best() {
  constexpr int kReadings = 2, kRates = 4;
  Roofs roofs;
  for (int i = 0; i < kReadings; ++i)
    roofs.read_bytes_s = std::max(roofs.read_bytes_s, read_bandwidth());
  for (int i = 0; i < kRates; ++i) roofs.int8_ops_s = std::max(roofs.int8_ops_s, int8_rate());
  return roofs;
}

}  // namespace handmill::backend
