// For the tests of this room: renders a template over made-up variables.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "chat/chat.h"

namespace handmill::chat {

/// Messages of user text `users`; `extra` holds more variables.
inline Result<std::vector<text::Segment>> render(std::string_view source,
                                                 const std::vector<std::string>& users = {},
                                                 boost::json::object extra = {}) {
  HANDMILL_TRY(auto parsed, Template::parse(source, "<s>", "</s>"));
  std::vector<Message> messages;
  for (const std::string& text : users) messages.push_back({"user", text, {}});
  RenderOptions options;
  options.extra = std::move(extra);
  return parsed->render(messages, options);
}

/// The pieces in one string: what a user wrote in [ ].
inline std::string marked(const Result<std::vector<text::Segment>>& result) {
  if (!result.ok()) return "error: " + result.error().message;
  std::string out;
  for (const text::Segment& segment : *result) {
    out += segment.special ? segment.text : "[" + segment.text + "]";
  }
  return out;
}

/// The error's message, or what was rendered.
inline std::string error_of(const Result<std::vector<text::Segment>>& result) {
  return result.ok() ? "rendered: " + marked(result) : result.error().message;
}

}  // namespace handmill::chat
