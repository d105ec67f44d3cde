#include "backend/cpu/roofs.h"

#include <array>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "backend/cpu/cpu.h"
#include "backend/test_data.h"

namespace handmill::backend {
namespace {

TEST(RoofMeterTest, EveryTableMeasuresOnAnyNumberOfThreads) {
  for (const Kernels* kernels : runnable_kernels()) {
    for (const int count : {1, 3}) {
      Threads threads(count);
      auto meter = RoofMeter::make(*kernels, threads, size_t{1} << 20);
      ASSERT_TRUE(meter);
      EXPECT_GT(meter.value().read_bandwidth(), 0.0) << kernels->name;
      EXPECT_GT(meter.value().int8_rate(), 0.0) << kernels->name;
      EXPECT_GT(meter.value().f32_rate(), 0.0) << kernels->name;
    }
  }
}

/// The chains' recurrence in plain words: more steps must give another value, the same on every
/// table, or the work was left out.
TEST(RoofMeterTest, EveryStepOfTheFloatsIsDone) {
  alignas(64) uint8_t data[64];
  for (size_t i = 0; i < sizeof data; ++i) data[i] = static_cast<uint8_t>(i < 16 ? 200 + i : 7);
  for (const Kernels* kernels : runnable_kernels())
    for (const size_t steps : {0, 1, 2, 9}) {
      float lanes[16] = {};
      for (size_t chain = 0; chain < kRoofChains; ++chain)
        for (size_t lane = 0; lane < 16; ++lane) {
          auto value = static_cast<float>(chain);
          for (size_t step = 0; step < steps; ++step)
            value = std::fma(value, static_cast<float>(data[lane]) / 512, 7.0f);
          lanes[lane] += value;
        }
      for (size_t half = 8; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
      EXPECT_EQ(kernels->fma_steps(data, steps), std::bit_cast<uint32_t>(lanes[0]))
          << kernels->name << " " << steps;
    }
}

TEST(MeasurePeaks, OneForEveryTableAndTheScalarFirst) {
  const auto peaks = measure_peaks(2);
  ASSERT_TRUE(peaks);
  ASSERT_EQ(peaks->size(), runnable_kernels().size());
  EXPECT_EQ(peaks->front().isa, "scalar");
  for (const Peaks& one : *peaks) {
    EXPECT_GT(one.int8_ops_s, 0) << one.isa;
    EXPECT_GT(one.f32_ops_s, 0) << one.isa;
  }
}

TEST(MeasureReads, OneRateForEveryCount) {
  const auto rates = measure_reads(std::array{3, 1}, 1);
  ASSERT_TRUE(rates);
  ASSERT_EQ(rates->size(), 2u);
  for (const double rate : *rates) EXPECT_GT(rate, 0);
  EXPECT_TRUE(measure_reads({}, 1)->empty());
}

TEST(RoofMeterTest, AReadingSeesEveryByte) {
  std::vector<uint8_t> data(4096 + 64);
  auto* aligned = data.data() + (64 - reinterpret_cast<uintptr_t>(data.data()) % 64) % 64;
  for (const Kernels* kernels : runnable_kernels()) {
    for (size_t i = 0; i < 2048; i += 64) {  // the result is the first byte of all vectors together
      aligned[i] = 1;
      EXPECT_EQ(kernels->read_bytes(aligned, 2048), 1u) << kernels->name << " at " << i;
      aligned[i] = 0;
      EXPECT_EQ(kernels->read_bytes(aligned, 2048), 0u) << kernels->name << " at " << i;
    }
  }
}

}  // namespace
}  // namespace handmill::backend
