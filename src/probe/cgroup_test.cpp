// Quotas and memory limits over made-up control groups: every ancestor, both versions, containers'
// partial mounts, and text that makes no sense.
#include "probe/cgroup.h"

#include <gtest/gtest.h>

#include "probe/fake_machine.h"

namespace handmill::probe {
namespace {

constexpr const char* kTop = "/sys/fs/cgroup";
constexpr uint64_t kMega = 1 << 20;

std::optional<int> v2_threads(std::string_view cpu_max) {
  FakeMachine machine;
  machine.v2("/");
  machine.file("/sys/fs/cgroup/cpu.max", cpu_max);
  return read_cgroup_limits(machine.root()).threads;
}

TEST(CgroupCpu, NothingThereIsNoLimit) {
  FakeMachine machine;
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, std::nullopt);
  machine.v2("/a/b");
  const CgroupLimits limits = read_cgroup_limits(machine.root());
  EXPECT_EQ(limits.threads, std::nullopt);
  EXPECT_EQ(limits.memory_bytes, std::nullopt);
  EXPECT_EQ(limits.memory_free_bytes, std::nullopt);
}

TEST(CgroupCpu, QuotaIsRoundedDownButNeverToNothing) {
  EXPECT_EQ(v2_threads("400000 100000\n"), 4);
  EXPECT_EQ(v2_threads("765000 100000\n"), 7);
  EXPECT_EQ(v2_threads("799999 100000\n"), 7);
  EXPECT_EQ(v2_threads("150000 50000\n"), 3);
  EXPECT_EQ(v2_threads("10000 100000\n"), 1);
  EXPECT_EQ(v2_threads("9223372036854775807 1\n"), 1 << 20);
}

TEST(CgroupCpu, WhatMakesNoSenseIsNoLimit) {
  for (const char* text : {"", "\n", "max 100000\n", "max\n", "200000\n", "-100000 100000\n",
                           "0 100000\n", "200000 0\n", "200000 -1\n", "2e5 100000\n",
                           "200000 100000 7\n", "lots of time\n", "99999999999999999999 100000\n"})
    EXPECT_EQ(v2_threads(text), std::nullopt) << '"' << text << '"';
}

TEST(CgroupCpu, EveryAncestorCounts) {
  // The tightest is, in turn, the group itself, its parent, and the top.
  for (const char* tight : {"/pod/box", "/pod", ""}) {
    FakeMachine machine;
    machine.v2("/pod/box");
    for (const char* group : {"/pod/box", "/pod", ""})
      machine.file(std::string(kTop) + group + "/cpu.max",
                   std::string_view(group) == tight ? "250000 100000\n" : "800000 100000\n");
    EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 2) << tight;
  }
}

TEST(CgroupCpu, AnUnlimitedOrBrokenLevelHidesNoOther) {
  FakeMachine machine;
  machine.v2("/a/b/c/d");
  machine.file("/sys/fs/cgroup/a/b/c/d/cpu.max", "max 100000\n");
  machine.file("/sys/fs/cgroup/a/b/c/cpu.max", "garbage\n");
  machine.file("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");  // and b has no file at all
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 3);
}

TEST(CgroupCpu, OtherGroupsDoNotCount) {
  FakeMachine machine;
  machine.v2("/a");
  machine.file("/sys/fs/cgroup/a/cpu.max", "600000 100000\n");
  machine.file("/sys/fs/cgroup/a/child/cpu.max", "100000 100000\n");
  machine.file("/sys/fs/cgroup/ab/cpu.max", "100000 100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 6);
}

TEST(CgroupCpu, Version1TakesTheQuotaOfEveryAncestor) {
  FakeMachine machine;
  machine.v1("/docker/box", "/");
  const std::string top = "/sys/fs/cgroup/cpu,cpuacct";
  machine.file(top + "/docker/box/cpu.cfs_quota_us", "500000\n");
  machine.file(top + "/docker/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 5);
  machine.file(top + "/docker/cpu.cfs_quota_us", "90000\n");
  machine.file(top + "/docker/cpu.cfs_period_us", "25000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 3);
  machine.file(top + "/cpu.cfs_quota_us", "-1\n");  // v1's word for "no limit"
  machine.file(top + "/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 3);
  machine.file(top + "/docker/box/cpu.cfs_quota_us", "nonsense");
  machine.file(top + "/docker/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, std::nullopt);
}

TEST(CgroupCpu, BothVersionsAtOnceGiveTheTighter) {
  FakeMachine machine;
  machine.file("/proc/self/cgroup", "1:cpu:/old\n0::/new\n");
  machine.file("/proc/self/mountinfo",
               "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
               "41 31 0:38 / /sys/fs/cgroup/unified rw shared:1 master:2 - cgroup2 cgroup2 rw\n");
  machine.file("/sys/fs/cgroup/cpu/old/cpu.cfs_quota_us", "400000\n");
  machine.file("/sys/fs/cgroup/cpu/old/cpu.cfs_period_us", "100000\n");
  machine.file("/sys/fs/cgroup/unified/new/cpu.max", "700000 100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 4);
  machine.file("/sys/fs/cgroup/unified/new/cpu.max", "200000 100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 2);
}

TEST(CgroupCpu, AContainersMountShowsItsOwnGroupAsTop) {
  FakeMachine machine;  // no cgroup namespace: /proc/self/cgroup tells the host's path
  machine.v2("/docker/box/inner", "/docker/box");
  machine.file("/sys/fs/cgroup/cpu.max", "400000 100000\n");
  machine.file("/sys/fs/cgroup/inner/cpu.max", "200000 100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 2);
  machine.v2("/docker/box", "/docker/box");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 4);
  machine.v2("/docker/boxes/inner", "/docker/box");  // not below the mount's top
  machine.file("/sys/fs/cgroupes/cpu.max", "100000 100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 4);
}

TEST(CgroupCpu, AGroupOutsideOfTheNamespaceFallsBackToTheTop) {
  FakeMachine machine;
  machine.v2("/../elsewhere");
  machine.file("/sys/fs/cgroup/cpu.max", "300000 100000\n");
  machine.file("/sys/fs/elsewhere/cpu.max", "100000 100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 3);
}

TEST(CgroupCpu, AGroupWhoseNameBeginsWithDotsIsInside) {
  FakeMachine machine;
  machine.v2("/..box");
  machine.file("/sys/fs/cgroup/..box/cpu.max", "200000 100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 2);
}

TEST(CgroupCpu, EscapedMountPointsAreFound) {
  FakeMachine machine;
  machine.file("/proc/self/cgroup", "0::/\n");
  machine.file("/proc/self/mountinfo", "31 23 0:28 / /my\\040groups rw - cgroup2 none rw\n");
  machine.file("/my groups/cpu.max", "300000 100000\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 3);
}

TEST(CgroupCpu, BrokenTablesAreHarmless) {
  for (const char* text : {"", "\n\n", "-", "- - - -", "a b c d e f", "1 2 3 / /x rw -\n",
                           "1 2 3 / /x rw - cgroup2\n", ":::", "0:", "::", "\\"}) {
    FakeMachine machine;
    machine.v2("/");
    machine.file("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    machine.file("/proc/self/mountinfo", text);
    EXPECT_EQ(read_cgroup_limits(machine.root()).threads, std::nullopt) << text;
    machine.v2("/");
    machine.file("/proc/self/cgroup", text);  // an unknown group: the top still counts
    EXPECT_EQ(read_cgroup_limits(machine.root()).threads, 1) << text;
  }
}

TEST(CgroupMemory, Version2TakesTheSmallestOfMaxAndHighOverEveryAncestor) {
  FakeMachine machine;
  machine.v2("/a/b");
  machine.file("/sys/fs/cgroup/a/b/memory.max", "max\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_bytes, std::nullopt);
  machine.file("/sys/fs/cgroup/a/memory.max", "1073741824\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_bytes, 1024 * kMega);
  machine.file("/sys/fs/cgroup/a/memory.high", "536870912\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_bytes, 512 * kMega);
  machine.file("/sys/fs/cgroup/memory.max", "268435456\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_bytes, 256 * kMega);
  machine.file("/sys/fs/cgroup/memory.max", "a lot\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_bytes, 512 * kMega);
}

TEST(CgroupMemory, WhatIsLeftIsThatOfTheFullestGroupAndCountsCacheAsFree) {
  FakeMachine machine;
  machine.v2("/a/b");
  machine.file("/sys/fs/cgroup/a/b/memory.max", "104857600\n");     // 100 MiB
  machine.file("/sys/fs/cgroup/a/b/memory.current", "73400320\n");  // 70
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_free_bytes, 30 * kMega);
  machine.file("/sys/fs/cgroup/a/b/memory.stat",
               "anon 1048576\ninactive_file 20971520\nactive_file 10485760\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_free_bytes, 60 * kMega);
  machine.file("/sys/fs/cgroup/a/memory.max", "209715200\n");  // 200, but with 190 in use
  machine.file("/sys/fs/cgroup/a/memory.current", "199229440\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_free_bytes, 10 * kMega);
  machine.file("/sys/fs/cgroup/a/memory.current", "314572800\n");  // over its limit
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_free_bytes, 0u);
}

TEST(CgroupMemory, Version1) {
  FakeMachine machine;
  machine.v1("/", "/jobs/one");
  const std::string top = "/sys/fs/cgroup/memory";
  machine.file(top + "/jobs/one/memory.limit_in_bytes", "9223372036854771712\n");  // "none"
  machine.file(top + "/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(read_cgroup_limits(machine.root()).memory_bytes, std::nullopt);
  machine.file(top + "/jobs/memory.limit_in_bytes", "104857600\n");
  machine.file(top + "/jobs/memory.usage_in_bytes", "52428800\n");
  machine.file(top + "/jobs/memory.stat",
               "inactive_file 1\ntotal_inactive_file 10485760\ntotal_active_file 0\n");
  const CgroupLimits limits = read_cgroup_limits(machine.root());
  EXPECT_EQ(limits.memory_bytes, 100 * kMega);
  EXPECT_EQ(limits.memory_free_bytes, 60 * kMega);
}

}  // namespace
}  // namespace handmill::probe
