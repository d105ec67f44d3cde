// How long work tells of itself. The callback runs on the working thread; `done` and `total` are
// bytes, or steps where who takes the callback says so.
#pragma once

#include <cstdint>
#include <functional>

namespace handmill::base {
using Progress = std::function<void(uint64_t done, uint64_t total)>;
}  // namespace handmill::base
