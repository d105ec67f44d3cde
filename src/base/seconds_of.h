// How long work takes, by a clock that only goes forward.
#pragma once

#include <chrono>

namespace handmill::base {

template <class Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace handmill::base
