// A bar on standard error for work that takes a while: nothing is drawn in its first 0.3 s, nothing
// at all where standard error is no terminal, and nothing is left behind.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/progress.h"

namespace handmill::cli {

class ProgressBar {
 public:
  enum class Unit { kBytes, kSteps };
  /// `label` stands before the bar; it must outlive the callbacks.
  explicit ProgressBar(std::string label, Unit unit = Unit::kBytes);
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(uint64_t done, uint64_t total);
  void finish();
  /// update() as a callback; it must not be called after this object has gone.
  base::Progress callback() {
    return [this](uint64_t done, uint64_t total) { update(done, total); };
  }

  /// "Loading x [####----]  50%  47.0 of 94.0 MB", at most `columns` wide.
  static std::string line(const std::string& label, uint64_t done, uint64_t total, int columns,
                          Unit unit = Unit::kBytes);

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  Unit unit_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = {};
};

}  // namespace handmill::cli
