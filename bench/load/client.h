// Sends a plan's requests to one server and times every piece that comes back: one thread, one
// epoll, one connection a request. It is meant to cost a server on the same cores next to nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "load/figures.h"
#include "load/plan.h"

namespace handmill::load {

/// A server on this machine: nothing else is ever asked.
struct Target {
  bool v6 = false;
  std::string host;      // as the Host header says it
  uint32_t address = 0;  // of v4, in host order
  uint16_t port = 80;
  std::string prefix;  // of every path
};
/// "http://127.0.0.1:8080", with localhost and [::1] too; anything else is refused.
Result<Target> read_target(std::string_view url);

struct Limits {
  double timeout_s = 600;  // of a request
  int open_max = 4096;     // connections at once; a request that would be one more fails
};

struct Run {
  std::vector<Outcome> outcomes;
  int peak_open = 0;  // answers under way at once
};
/// Returns when every request has ended. An error where nothing could be measured at all.
Result<Run> run(const Target& target, const Settings& settings, const Limits& limits);

}  // namespace handmill::load
