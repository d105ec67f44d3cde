// A made-up /proc, /sys and cgroup tree in a temporary folder, for this room's tests.
#pragma once

#include <string>
#include <string_view>

#include "base/temp_folder.h"

namespace handmill::probe {

class FakeMachine {
 public:
  const std::string& root() const { return folder_.path(); }

  void file(const std::string& path, std::string_view text) const { folder_.file(path, text); }

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
  base::TempFolder folder_;
};

}  // namespace handmill::probe
