#include "backend/cpu/roofs.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "backend/cpu/cpu.h"
#include "base/seconds_of.h"
#include "probe/machine.h"

namespace handmill::backend {
namespace {

constexpr size_t kReadUnit = 4096;  // a thread's bytes are a multiple of this
constexpr size_t kSteps = 200000;   // of kRoofChains products: some tenths of a millisecond
constexpr size_t kScalarSteps = kSteps / 20;

std::atomic<uint64_t> used;  // keeps the measured work from being left out

}  // namespace

size_t roof_bytes() {
  const std::vector<int> cpus = probe::affinity_cpus();
  const uint64_t l3 = probe::read_caches("", cpus.empty() ? 0 : cpus.front()).l3_bytes;
  return std::clamp<size_t>(8 * std::min<uint64_t>(l3, kRoofBytesMax), kRoofBytes, kRoofBytesMax);
}

Result<RoofMeter> RoofMeter::make(const Kernels& kernels, Threads& threads, size_t bytes) {
  RoofMeter meter(kernels, threads);
  const auto parts = static_cast<size_t>(threads.count());
  const size_t unit = kReadUnit * parts;
  HANDMILL_TRY(Memory memory, Memory::allocate(std::max(bytes / unit, size_t{1}) * unit));
  const size_t each = memory.size() / parts;
  threads.run(parts, [&](size_t part, int) { std::memset(memory.data() + part * each, 1, each); });
  meter.memory_ = std::make_shared<const Memory>(std::move(memory));
  return meter;
}

RoofMeter::RoofMeter(const RoofMeter& other, Threads& threads)
    : kernels_(other.kernels_), threads_(&threads), memory_(other.memory_) {}

/// Threads that sleep would come late, and one of them do the others' share.
void RoofMeter::wake() {
  threads_->run(static_cast<size_t>(threads_->count()),
                [&](size_t, int) { used = kernels_->dot_steps(memory_->data(), kSteps / 4); });
}

double RoofMeter::read_bandwidth() {
  wake();
  const auto parts = static_cast<size_t>(threads_->count());
  const size_t each = memory_->size() / parts / kReadUnit * kReadUnit;
  const double seconds = base::seconds_of([&] {
    threads_->run(parts, [&](size_t part, int) {
      used = kernels_->read_bytes(memory_->data() + part * each, each);
    });
  });
  return static_cast<double>(each * parts) / seconds;
}

double RoofMeter::rate(Steps work, double operations, size_t steps) {
  wake();
  const auto parts = static_cast<size_t>(threads_->count());
  const double seconds = base::seconds_of(
      [&] { threads_->run(parts, [&](size_t, int) { used = work(memory_->data(), steps); }); });
  return operations * static_cast<double>(kRoofChains * steps * parts) / seconds;
}

double RoofMeter::int8_rate() { return rate(kernels_->dot_steps, 2.0 * 64, kSteps); }

double RoofMeter::f32_rate() {
  const bool scalar = kernels_->isa == probe::Isa::kScalar;
  return rate(kernels_->fma_steps, 2.0 * 16, scalar ? kScalarSteps : kSteps);
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
