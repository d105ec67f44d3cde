// The machine's facts from made-up files, and the real machine held against what the C library and
// the kernel say elsewhere.
#include "probe/machine.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <sched.h>
#include <thread>
#include <unistd.h>

#include "probe/fake_machine.h"
#include "probe/system_file.h"

namespace handmill::probe {
namespace {

const std::string kCpus = "/sys/devices/system/cpu/cpu";

TEST(SystemFile, CutsTextWithoutFailing) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(words("  a\tb \n c"), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_TRUE(words(" \n").empty());
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(parse_number<int>(" 42\n"), 42);
  EXPECT_EQ(parse_number<int>("42x"), std::nullopt);
  EXPECT_EQ(parse_number<int>(""), std::nullopt);
  EXPECT_EQ(parse_number<int>("2147483648"), std::nullopt);
  EXPECT_EQ(find_number("a 1\nbb: 22 kB\nb 3\n", "b"), 3u);
  EXPECT_EQ(find_number("a 1\nbb: 22 kB\n", "bb"), 22u);
  EXPECT_EQ(find_number("a 1\nb\n", "b"), std::nullopt);
}

TEST(SystemFile, StopsAtOneMegabyteAndRefusesFolders) {
  FakeMachine machine;
  machine.file("/big", std::string(3 << 20, 'x'));
  EXPECT_EQ(read_system_file(machine.root() + "/big")->size(), 1u << 20);
  EXPECT_EQ(read_system_file(machine.root() + "/none"), std::nullopt);
  EXPECT_EQ(read_system_file(machine.root()).value_or(""), "");
}

TEST(Machine, CountsCoresBySharedLists) {
  FakeMachine machine;
  for (auto [cpu, list] : {std::pair{0, "0,4"}, {1, "1,5"}, {4, "0,4"}, {5, "1,5"}})
    machine.file(kCpus + std::to_string(cpu) + "/topology/core_cpus_list",
                 std::string(list) + "\n");
  EXPECT_EQ(count_cores(machine.root(), std::array{0, 1, 4, 5}), 2);
  EXPECT_EQ(count_cores(machine.root(), std::array{0, 4}), 1);
  EXPECT_EQ(count_cores(machine.root(), std::array{1, 4}), 2);
  // Older kernels' name for the list; and CPUs that nothing is known of count for themselves.
  machine.file(kCpus + "6/topology/thread_siblings_list", "6-7\n");
  machine.file(kCpus + "7/topology/thread_siblings_list", "6-7\n");
  EXPECT_EQ(count_cores(machine.root(), std::array{6, 7}), 1);
  EXPECT_EQ(count_cores(machine.root(), std::array{8, 9, 10}), 3);
  EXPECT_EQ(count_cores(machine.root(), {}), 1);
}

TEST(Machine, ReadsCaches) {
  FakeMachine machine;
  auto cache = [&](int index, const char* level, const char* type, const char* size) {
    const std::string folder = kCpus + "3/cache/index" + std::to_string(index);
    machine.file(folder + "/level", level);
    machine.file(folder + "/type", type);
    machine.file(folder + "/size", size);
  };
  cache(0, "1\n", "Data\n", "48K\n");
  cache(1, "1\n", "Instruction\n", "32K\n");
  cache(2, "2\n", "Unified\n", "2048K\n");
  cache(3, "3\n", "Unified\n", "32M\n");
  const Caches caches = read_caches(machine.root(), 3);
  EXPECT_EQ(caches.l1d_bytes, 48u << 10);
  EXPECT_EQ(caches.l2_bytes, 2u << 20);
  EXPECT_EQ(caches.l3_bytes, 32u << 20);
  cache(2, "2\n", "Unified\n", "huge\n");
  cache(3, "3\n", "Unified\n", "18446744073709551615G\n");
  EXPECT_EQ(read_caches(machine.root(), 3).l2_bytes, 0u);
  EXPECT_EQ(read_caches(machine.root(), 3).l3_bytes, 0u);
  EXPECT_EQ(read_caches(machine.root(), 4).l1d_bytes, 0u);
}

TEST(Machine, ReadsTheCpusName) {
  FakeMachine machine;
  EXPECT_EQ(read_cpu_name(machine.root()), "unknown CPU");
  machine.file("/proc/cpuinfo", "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Mill 9000: fast\n");
  EXPECT_EQ(read_cpu_name(machine.root()), "Mill 9000: fast");
}

TEST(Machine, MemoryIsTheMachinesOrTheGroups) {
  FakeMachine machine;
  EXPECT_EQ(read_memory(machine.root()).total_bytes, 0u);
  machine.file("/proc/meminfo",
               "MemTotal:        8192 kB\nMemFree:  100 kB\nMemAvailable:    4096 kB\n");
  EXPECT_EQ(read_memory(machine.root()).total_bytes, 8u << 20);
  EXPECT_EQ(read_memory(machine.root()).available_bytes, 4u << 20);
  machine.v2("/box");
  machine.file("/sys/fs/cgroup/box/memory.max", "3145728\n");
  EXPECT_EQ(read_memory(machine.root()).total_bytes, 3u << 20);
  EXPECT_EQ(read_memory(machine.root()).available_bytes, 3u << 20);
  machine.file("/sys/fs/cgroup/box/memory.current", "1048576\n");
  EXPECT_EQ(read_memory(machine.root()).available_bytes, 2u << 20);
  machine.file("/sys/fs/cgroup/box/memory.max", "1073741824\n");  // looser than the machine
  EXPECT_EQ(read_memory(machine.root()).total_bytes, 8u << 20);
  EXPECT_EQ(read_memory(machine.root()).available_bytes, 4u << 20);
}

TEST(Machine, ThreadsAreTheMaskAtMostTheQuota) {
  FakeMachine machine;
  const std::array cpus = {0, 1, 2, 3};
  EXPECT_EQ(count_threads(machine.root(), cpus), 4);
  EXPECT_EQ(count_threads(machine.root(), {}), 1);
  machine.v2("/box");
  machine.file("/sys/fs/cgroup/box/cpu.max", "250000 100000\n");
  EXPECT_EQ(count_threads(machine.root(), cpus), 2);
  EXPECT_EQ(count_threads(machine.root(), std::array{7}), 1);
  machine.file("/sys/fs/cgroup/box/cpu.max", "6400000 100000\n");
  EXPECT_EQ(count_threads(machine.root(), cpus), 4);
}

TEST(Machine, BestThreadsAreOnePerCore) {
  Machine machine;
  machine.threads_usable = 8;
  machine.cores_usable = 4;
  EXPECT_EQ(machine.threads_best(), 4);
  machine.threads_usable = 3;
  EXPECT_EQ(machine.threads_best(), 3);
}

TEST(Machine, TheAffinityMaskIsFollowed) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  const std::vector<int> cpus = affinity_cpus();
  ASSERT_EQ(cpus.size(), static_cast<size_t>(CPU_COUNT(&before)));
  EXPECT_TRUE(std::is_sorted(cpus.begin(), cpus.end()));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpus.back(), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(affinity_cpus(), std::vector<int>{cpus.back()});
  auto machine = read_machine();
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  ASSERT_TRUE(machine.ok()) << machine.error().message;
  EXPECT_EQ(machine->threads_usable, 1);
  EXPECT_EQ(machine->cores_usable, 1);
}

TEST(Machine, ThisOneMakesSense) {
  auto machine = read_machine();
  ASSERT_TRUE(machine.ok()) << machine.error().message;
  EXPECT_FALSE(machine->cpu_name.empty());
  EXPECT_GE(machine->threads_usable, 1);
  EXPECT_LE(machine->threads_usable, static_cast<int>(std::thread::hardware_concurrency()));
  EXPECT_GE(machine->cores_usable, 1);
  EXPECT_LE(machine->cores_usable, static_cast<int>(std::thread::hardware_concurrency()));
  const auto physical = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_GT(machine->memory.total_bytes, 0u);
  EXPECT_LE(machine->memory.total_bytes, physical + (1 << 20));
  EXPECT_GT(machine->memory.available_bytes, 0u);
  EXPECT_LE(machine->memory.available_bytes, machine->memory.total_bytes);
  // Virtual machines and containers may hide any cache; one that shows has a plausible size.
  for (uint64_t bytes : {machine->caches.l1d_bytes, machine->caches.l2_bytes}) {
    if (bytes == 0) continue;
    EXPECT_GE(bytes, 4096u);
    EXPECT_LE(bytes, 1u << 30);
  }
}

}  // namespace
}  // namespace handmill::probe
