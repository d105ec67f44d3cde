// Plain comparisons: few strings, short pieces.
#include "engine/stop.h"

#include <algorithm>

#include "base/error.h"
#include "base/quote.h"

namespace handmill::engine {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0u) == 0x80u; }

}  // namespace

Status StopMatcher::validate(const std::vector<std::string>& stops) {
  if (stops.size() > kMaxStops)
    return base::limit("{} stop strings; at most {} are supported", stops.size(), kMaxStops);
  for (const std::string& stop : stops) {
    if (stop.empty()) return base::invalid("a stop string is empty");
    if (stop.size() > kMaxStopBytes)
      return base::limit("a stop string of {} bytes; at most {} are supported", stop.size(),
                         kMaxStopBytes);
    if (continues_character(stop[0]))
      return base::invalid("stop string {} begins inside a character", base::quoted(stop));
  }
  return {};
}

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) longest_ = std::max(longest_, stop.size());
  held_.reserve(2 * longest_);
}

bool StopMatcher::push(std::string_view text, std::string& out) {
  if (stops_.empty()) {
    out += text;
    return false;
  }
  for (char c : text) {
    held_ += c;
    const std::string* longest = nullptr;
    for (const std::string& stop : stops_)
      if (held_.ends_with(stop) && (longest == nullptr || stop.size() > longest->size()))
        longest = &stop;
    if (longest != nullptr) {
      out.append(held_, 0, held_.size() - longest->size());
      held_.clear();
      found_ = *longest;
      return true;
    }
  }
  const size_t keep = possible_beginning();
  out.append(held_, 0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return false;
}

/// Bytes at the end of what is held that a stop string begins with.
size_t StopMatcher::possible_beginning() const {
  for (size_t n = std::min(longest_ - 1, held_.size()); n > 0; --n) {
    const std::string_view end = std::string_view(held_).substr(held_.size() - n);
    for (const std::string& stop : stops_)
      if (std::string_view(stop).starts_with(end)) return n;
  }
  return 0;
}

void StopMatcher::finish(std::string& out) {
  out += held_;
  held_.clear();
}

}  // namespace handmill::engine
