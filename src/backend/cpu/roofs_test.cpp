#include "backend/cpu/roofs.h"

#include <gtest/gtest.h>
#include <vector>

#include "backend/cpu/test_data.h"

namespace handmill::backend {
namespace {

TEST(RoofMeterTest, EveryTableMeasuresOnAnyNumberOfThreads) {
  for (const Kernels* kernels : test::runnable_kernels()) {
    for (const int count : {1, 3}) {
      Threads threads(count);
      auto meter = RoofMeter::make(*kernels, threads, size_t{1} << 20);
      ASSERT_TRUE(meter);
      EXPECT_GT(meter.value().read_bandwidth(), 0.0) << kernels->name;
      EXPECT_GT(meter.value().int8_rate(), 0.0) << kernels->name;
    }
  }
}

TEST(RoofMeterTest, AReadingSeesEveryByte) {
  std::vector<uint8_t> data(4096 + 64);
  auto* aligned = data.data() + (64 - reinterpret_cast<uintptr_t>(data.data()) % 64) % 64;
  for (const Kernels* kernels : test::runnable_kernels()) {
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
