#include "cli/chat_file.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/quote.h"
#include "cli/input.h"
#include "cli/output_file.h"
#include "cli/utf8.h"

namespace handmill::cli {
namespace {

namespace json = boost::json;
constexpr int kVersion = 1;
constexpr int kDepthMax = 16;

const std::string kRoles[] = {"system", "user", "assistant", "tool"};

/// What was typed or piped in may hold any bytes; JSON may not.
json::string json_text(std::string_view text) { return json::string(valid_utf8(text)); }

Result<std::string> text_of(const json::object& object, std::string_view key,
                            const std::string& where) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string())
    return base::invalid("{}: {} is not there or not a text", where, key);
  return std::string(value->get_string());
}

Result<chat::Message> parse_message(const json::value& value, const std::string& where) {
  const json::object* object = value.if_object();
  if (object == nullptr) return base::invalid("{}: not an object", where);
  chat::Message message;
  HANDMILL_TRY(message.role, text_of(*object, "role", where));
  HANDMILL_TRY(message.content, text_of(*object, "content", where));
  if (std::find(std::begin(kRoles), std::end(kRoles), message.role) == std::end(kRoles))
    return base::invalid("{}: role {} is none of system, user, assistant, tool", where,
                         base::quoted(message.role));
  return message;
}

}  // namespace

std::string chat_text(const std::string& model, const ChatState& state) {
  // One message a line: a person may read, compare and edit it.
  std::string out = "{\"handmill_chat\": " + std::to_string(kVersion);
  out += ",\n \"model\": " + json::serialize(json_text(model));
  if (state.system) out += ",\n \"system\": " + json::serialize(json_text(*state.system));
  out += ",\n \"parameters\": " + json::serialize(to_json(state.parameters));
  out += ",\n \"messages\": [";
  for (size_t i = 0; i < state.messages.size(); ++i) {
    const json::object message = {{"role", state.messages[i].role},
                                  {"content", json_text(state.messages[i].content)}};
    out += (i > 0 ? ",\n  " : "\n  ") + json::serialize(message);
  }
  return out + "\n]}\n";
}

Result<ChatState> parse_chat(std::string_view text, const std::string& name) {
  auto value = base::parse_json(text, kDepthMax);
  if (!value.ok()) return Error{value.error().code, name + ": " + value.error().message};
  const json::object* root = value->if_object();
  const json::value* version = root != nullptr ? root->if_contains("handmill_chat") : nullptr;
  if (version == nullptr) return base::invalid("{}: not a saved chat of handmill", name);
  if (!version->is_int64() || version->get_int64() != kVersion)
    return base::unsupported("{}: handmill_chat is {}; this handmill reads {}", name,
                             json::serialize(*version), kVersion);
  ChatState state;
  if (root->contains("system")) {
    HANDMILL_TRY(state.system, text_of(*root, "system", name));
  }
  if (const json::value* parameters = root->if_contains("parameters")) {
    if (!parameters->is_object()) return base::invalid("{}: parameters is not an object", name);
    HANDMILL_OK(from_json(parameters->get_object(), state.parameters));
  }
  const json::value* messages = root->if_contains("messages");
  if (messages == nullptr || !messages->is_array())
    return base::invalid("{}: messages is not there or not a list", name);
  for (size_t i = 0; i < messages->get_array().size(); ++i) {
    HANDMILL_TRY(chat::Message message,
                 parse_message(messages->get_array()[i], fmt::format("{}: messages[{}]", name, i)));
    state.messages.push_back(std::move(message));
  }
  return state;
}

Status save_chat(const std::string& path, const std::string& model, const ChatState& state) {
  return write_file(path, chat_text(model, state));
}

Result<ChatState> load_chat(const std::string& path) {
  HANDMILL_TRY(const std::string text, read_file(path));
  return parse_chat(text, path);
}

}  // namespace handmill::cli
