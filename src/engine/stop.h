// Finds stop strings in a text that arrives in pieces, and holds back what may become one. What it
// lets through, and where it stops, depends on the text alone, never on how it was cut. Serves
// Sequence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::engine {

inline constexpr size_t kMaxStops = 64;
inline constexpr size_t kMaxStopBytes = 1024;

/// Of the strings that are complete first, the longest counts.
class StopMatcher {
 public:
  /// At most kMaxStops strings of 1 to kMaxStopBytes bytes, each beginning with a whole character.
  static Status validate(const std::vector<std::string>& stops);

  /// REQUIRES: validate(stops).
  explicit StopMatcher(std::vector<std::string> stops);

  /// Appends to `out` what of the text so far is certain to precede every stop string. True when
  /// one was found; nothing may follow.
  bool push(std::string_view text, std::string& out);
  /// The text has ended: appends what was held back.
  void finish(std::string& out);
  /// The string that was found, or empty.
  const std::string& found() const { return found_; }

 private:
  size_t possible_beginning() const;

  std::vector<std::string> stops_;
  size_t longest_ = 0;
  std::string held_;
  std::string found_;
};

}  // namespace handmill::engine
