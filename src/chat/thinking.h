// Tells a reasoning model's <think> part from its answer, in text that comes in pieces: a tag may
// be cut anywhere, and is never shown. A part is opened before the answer's first word or not at
// all: an answer may speak of the tag.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace handmill::chat {

class ThinkingSplitter {
 public:
  using Sink = std::function<void(std::string_view text, bool thinking)>;

  /// `inside`: the prompt has opened the part already.
  ThinkingSplitter(bool inside, Sink sink) : inside_(inside), sink_(std::move(sink)) {}

  void push(std::string_view text);
  /// Gives what was held back because it might have become a tag.
  void finish();
  /// Whether what comes next belongs to the part, as far as the text so far tells.
  bool inside() const { return inside_; }

 private:
  bool inside_;
  bool begun_ = false;  // the answer
  Sink sink_;
  std::string held_;
};

}  // namespace handmill::chat
