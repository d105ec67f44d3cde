#include "probe/load.h"

#include <gtest/gtest.h>

#include "probe/fake_machine.h"

namespace handmill::probe {
namespace {

TEST(Load, CpuTimesAreOfAllCpusInSeconds) {
  FakeMachine machine;
  EXPECT_FALSE(read_cpu_times(machine.root(), 100));
  machine.file("/proc/stat",
               "cpu  1000 200 300 9999 8888 40 50 600 70 80\n"
               "cpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1 1 1\ncpu7 1 1\nintr 5\n");
  const auto times = read_cpu_times(machine.root(), 100);
  ASSERT_TRUE(times);
  EXPECT_EQ(times->cpus, 3);
  EXPECT_DOUBLE_EQ(times->busy_s, 15.9);  // neither idle nor waiting for a disk
  EXPECT_DOUBLE_EQ(times->stolen_s, 6);
  machine.file("/proc/stat", "cpu 1 2 3 4 5 6 7\n");  // kernels before 2.6.11 know no steal
  EXPECT_FALSE(read_cpu_times(machine.root(), 100));
  machine.file("/proc/stat", "cpu 1 2 3 x 5 6 7 8\n");
  EXPECT_FALSE(read_cpu_times(machine.root(), 100));
}

TEST(Load, LoadAverage) {
  FakeMachine machine;
  EXPECT_FALSE(read_load_average(machine.root()));
  machine.file("/proc/loadavg", "1.25 2.00 3.00 1/90 5\n");
  EXPECT_EQ(read_load_average(machine.root()), 1.25);
  machine.file("/proc/loadavg", "many\n");
  EXPECT_FALSE(read_load_average(machine.root()));
}

TEST(Load, ThrottlingIsOfTheGroupHeldBackMost) {
  FakeMachine machine;
  machine.v2("/a/b");
  EXPECT_FALSE(read_throttling(machine.root()));
  machine.file("/sys/fs/cgroup/a/b/cpu.stat",
               "usage_usec 9\nnr_periods 7\nnr_throttled 2\nthrottled_usec 1000\n");
  machine.file("/sys/fs/cgroup/a/cpu.stat", "nr_throttled 5\nthrottled_usec 2500000\n");
  machine.file("/sys/fs/cgroup/cpu.stat", "usage_usec 1\n");
  const auto throttling = read_throttling(machine.root());
  ASSERT_TRUE(throttling);
  EXPECT_EQ(throttling->times, 5u);
  EXPECT_DOUBLE_EQ(throttling->time_s, 2.5);
}

TEST(Load, ThrottlingOfTheFirstVersionIsInNanoseconds) {
  FakeMachine machine;
  machine.v1("/g", "/m");
  machine.file("/sys/fs/cgroup/cpu,cpuacct/g/cpu.stat", "nr_throttled 4\nthrottled_time 3000000\n");
  const auto throttling = read_throttling(machine.root());
  ASSERT_TRUE(throttling);
  EXPECT_EQ(throttling->times, 4u);
  EXPECT_DOUBLE_EQ(throttling->time_s, 0.003);
}

TEST(Load, OfThisMachineOnlyGrows) {
  const LoadReading first = read_load(), second = read_load();
  EXPECT_GE(second.at_s, first.at_s);
  EXPECT_GE(second.own_s, first.own_s);
  ASSERT_EQ(first.cpu.has_value(), second.cpu.has_value());
  if (first.cpu) {
    EXPECT_GE(second.cpu->busy_s, first.cpu->busy_s);
  }
  EXPECT_GT(read_load().own_s, 0);
}

}  // namespace
}  // namespace handmill::probe
