// chat_tool: renders templates for the tests that hold the engine against Jinja2. Each line of
// standard input is {"template", "context", "bos", "eos"}; each line of output {"segments": [[text,
// special], …]} or {"error": …, "limit": bool}.
#include <boost/json.hpp>
#include <iostream>
#include <string>

#include "base/json.h"
#include "chat/chat.h"

namespace {

using handmill::Result;

std::string text_or_empty(const boost::json::object& object, const char* key) {
  auto it = object.find(key);
  if (it == object.end() || !it->value().is_string()) return {};
  return std::string(it->value().get_string());
}

Result<std::vector<handmill::text::Segment>> run(const boost::json::object& request) {
  auto parsed =
      handmill::chat::Template::parse(text_or_empty(request, "template"),
                                      text_or_empty(request, "bos"), text_or_empty(request, "eos"));
  if (!parsed.ok()) return parsed.error();
  std::vector<handmill::chat::Message> messages;
  handmill::chat::RenderOptions options;
  options.add_generation_prompt = false;
  if (auto context = request.find("context"); context != request.end()) {
    for (const auto& [name, value] : context->value().get_object()) {
      if (name == "messages") {
        for (const boost::json::value& item : value.get_array()) {
          handmill::chat::Message message;
          message.role = text_or_empty(item.get_object(), "role");
          message.content = text_or_empty(item.get_object(), "content");
          message.extra = item.get_object();
          messages.push_back(std::move(message));
        }
      } else if (name == "tools") {
        if (value.is_array()) options.tools = value.get_array();
      } else if (name == "add_generation_prompt") {
        options.add_generation_prompt = value.get_bool();
      } else {
        options.extra[name] = value;
      }
    }
  }
  return (*parsed)->render(messages, options);
}

boost::json::object answer(const std::string& line) {
  auto request = handmill::base::parse_json(line, 256);
  if (!request.ok()) return {{"error", "the request: " + request.error().message}};
  auto result = run(request->get_object());
  if (!result.ok()) {
    return {{"error", result.error().message},
            {"limit", result.error().code == handmill::Code::kLimit ||
                          result.error().code == handmill::Code::kUnsupported}};
  }
  boost::json::array segments;
  for (const auto& segment : *result) {
    segments.push_back(boost::json::array{segment.text, segment.special});
  }
  return {{"segments", std::move(segments)}};
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << boost::json::serialize(answer(line)) << '\n' << std::flush;
  }
}
