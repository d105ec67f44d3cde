// A made-up /proc, /sys and cgroup tree in a temporary folder, for this room's tests.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace handmill::probe {

class FakeMachine {
 public:
  FakeMachine() {
    std::string pattern = (std::filesystem::temp_directory_path() / "handmill-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    root_ = pattern;
  }
  ~FakeMachine() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  const std::string& root() const { return root_; }

  void file(const std::string& path, std::string_view text) const {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole, std::ios::binary) << text;
    ASSERT_EQ(std::filesystem::file_size(whole), text.size());
  }

  /// One cgroup v2 hierarchy at /sys/fs/cgroup, the process in `group`.
  void v2(const std::string& group, const std::string& top = "/") const {
    file("/proc/self/cgroup", "0::" + group + "\n");
    file("/proc/self/mountinfo",
         "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
         "31 23 0:28 " +
             top + " /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
  }

  /// cgroup v1: cpu with cpuacct, and memory, each with the process in its own group.
  void v1(const std::string& cpu_group, const std::string& memory_group,
          const std::string& top = "/") const {
    file("/proc/self/cgroup", "9:name=systemd:/\n4:memory:" + memory_group +
                                  "\n3:cpuset:/\n2:cpu,cpuacct:" + cpu_group + "\n0::/\n");
    file("/proc/self/mountinfo",
         "32 31 0:29 " + top +
             " /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
             "35 31 0:32 " +
             top +
             " /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
             "34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n");
  }

 private:
  std::string root_;
};

}  // namespace handmill::probe
