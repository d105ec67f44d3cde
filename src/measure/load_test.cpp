// Load times from a machine's figures.
#include "measure/load.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

TEST(Load, AddsReadingAndPacking) {
  Machine machine;
  machine.disk_bytes_s = {2e9, Source::kMeasured};
  machine.pack_bytes_s = {4e9, Source::kMeasured};
  const LoadTime time = predict_load(1'000'000'000, machine);
  EXPECT_TRUE(time.known());
  EXPECT_DOUBLE_EQ(time.read_s.value, 0.5);
  EXPECT_DOUBLE_EQ(time.pack_s.value, 0.25);
  EXPECT_DOUBLE_EQ(time.cold_s(), 0.75);
  EXPECT_EQ(time.pack_s.source, Source::kMeasured);
}

TEST(Load, IsUnknownWithoutFigures) {
  Machine machine;
  EXPECT_FALSE(predict_load(1, machine).known());
  machine.pack_bytes_s = {4e9, Source::kMeasured};
  const LoadTime time = predict_load(8'000'000'000, machine);
  EXPECT_FALSE(time.known());
  EXPECT_FALSE(time.read_s.known());
  EXPECT_DOUBLE_EQ(time.pack_s.value, 2);
}

}  // namespace
}  // namespace handmill::measure
