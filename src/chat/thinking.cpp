#include "chat/thinking.h"

#include <algorithm>

namespace handmill::chat {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

/// The length of the longest end of `text` with which `tag` begins.
size_t partial_tag(std::string_view text, std::string_view tag) {
  for (size_t n = std::min(text.size(), tag.size() - 1); n > 0; --n)
    if (text.ends_with(tag.substr(0, n))) return n;
  return 0;
}

}  // namespace

void ThinkingSplitter::push(std::string_view text) {
  held_ += text;
  const auto give = [&](size_t bytes) {
    if (bytes > 0) sink_(std::string_view(held_).substr(0, bytes), inside_);
  };
  while (true) {
    if (!inside_ && !begun_) {
      const size_t first = held_.find_first_not_of(" \t\r\n");
      begun_ = first != std::string::npos &&
               held_.compare(first, kOpen.size(), kOpen, 0, held_.size() - first) != 0;
    }
    if (begun_) {
      give(held_.size());
      return held_.clear();
    }
    const std::string_view tag = inside_ ? kClose : kOpen;
    const size_t at = held_.find(tag);
    if (at == std::string::npos) break;
    give(at);
    held_.erase(0, at + tag.size());
    inside_ = !inside_;
  }
  const size_t sure = held_.size() - partial_tag(held_, inside_ ? kClose : kOpen);
  give(sure);
  held_.erase(0, sure);
}

void ThinkingSplitter::finish() {
  if (!held_.empty()) sink_(held_, inside_);
  held_.clear();
}

}  // namespace handmill::chat
