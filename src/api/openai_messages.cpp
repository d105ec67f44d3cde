// Messages in OpenAI's form. Texts go to the template as texts; names, tool calls and their answers
// in a history go along as extras, for templates know OpenAI's names for them.
#include <algorithm>

#include "api/openai_fields.h"
#include "base/json.h"
#include "base/quote.h"

namespace handmill::api {
namespace {

namespace json = boost::json;

/// Copies a short text to the extras of a message, where it is given.
void keep_text(Fields& fields, std::string_view name, const Limit& bytes_max, json::object& extra) {
  std::string text;
  if (fields.at(name).read(text, bytes_max)) extra[name] = text;
}

/// OpenAI writes arguments as the text of a JSON object; templates want the object.
void read_arguments(const Field& field, json::object& function) {
  if (!field.required().given()) return;
  if (field.is_object()) {
    function["arguments"] = field.value();
    return;
  }
  std::string text;
  if (!field.is_text()) return field.wrong_type("a string or an object");
  if (!field.read(text, kTextBytesMax)) return;
  Result<json::value> parsed = base::parse_json(text, static_cast<size_t>(kNestingMax.value) / 2);
  if (parsed.ok() && parsed->is_object())
    function["arguments"] = std::move(*parsed);
  else
    function["arguments"] = text;
}

json::object read_tool_call(const Field& item) {
  json::object call;
  Fields fields = item.required().fields();
  keep_text(fields, "id", kNameBytesMax, call);
  const Field type = fields.at("type");
  std::string word = "function";
  if (type.read(word, kRoleBytesMax) && word != "function")
    type.unsupported("is {}; only calls of a function are known", base::quoted(word, 40));
  call["type"] = "function";
  Fields named = fields.at("function").required().fields();
  json::object function;
  named.at("name").required();
  keep_text(named, "name", kNameBytesMax, function);
  read_arguments(named.at("arguments"), function);
  call["function"] = std::move(function);
  return call;
}

void read_assistant(Fields& fields, json::object& extra) {
  for (const char* name : {"reasoning", "reasoning_content"}) {
    std::string text;
    if (fields.at(name).read(text, kTextBytesMax)) extra["reasoning_content"] = text;
  }
  json::array calls;
  for (const Field& item : fields.at("tool_calls").items(kToolCallsMax))
    calls.push_back(read_tool_call(item));
  if (!calls.empty()) extra["tool_calls"] = std::move(calls);
  fields.refuse({"function_call"}, "is not supported; tool_calls is");
}

chat::Message read_message(const Field& item) {
  static constexpr std::string_view kRoles[] = {"system", "system", "user", "assistant", "tool"};
  chat::Message message;
  Fields fields = item.required().fields();
  size_t role = 0;
  const Field role_field = fields.at("role");
  role_field.required().read_word(role, {"system", "developer", "user", "assistant", "tool"});
  message.role = kRoles[role];
  keep_text(fields, "name", kNameBytesMax, message.extra);
  if (message.role == "assistant") read_assistant(fields, message.extra);
  if (message.role == "tool") keep_text(fields, "tool_call_id", kNameBytesMax, message.extra);
  fields.refuse({"audio", "images"}, "is not supported: handmill reads text alone");

  const Field content = fields.at("content");
  if (!content.given() && message.role == "assistant") return message;
  read_content(content.required(), {"text", "refusal"}, message.content);
  return message;
}

}  // namespace

bool read_content(const Field& field, std::initializer_list<std::string_view> types,
                  std::string& text) {
  if (!field.given()) return false;
  if (field.is_text()) return field.read(text, kTextBytesMax);
  if (!field.is_array()) return field.wrong_type("a string or an array of parts"), false;
  bool first = true;
  for (const Field& item : field.items(kPartsMax)) {
    Fields part = item.required().fields();
    const Field type_field = part.at("type");
    std::string type, piece;
    if (!type_field.required().read(type, kRoleBytesMax)) return false;
    if (std::find(types.begin(), types.end(), type) == types.end()) {
      type_field.unsupported("is {}; handmill reads parts of type: {}", base::quoted(type, 40),
                             fmt::join(types, ", "));
      return false;
    }
    const Field piece_field = part.at(type == "refusal" ? "refusal" : "text");
    if (!piece_field.required().read(piece, kTextBytesMax)) return false;
    if (!first) text += '\n';
    first = false;
    text += piece;
  }
  return true;
}

void read_messages(const Field& field, std::vector<chat::Message>& messages) {
  if (!field.required().given()) return;
  for (const Field& item : field.items(kMessagesMax)) messages.push_back(read_message(item));
  if (field.is_array() && messages.empty() && field.value().get_array().empty())
    field.invalid("is empty; there must be a message");
}

}  // namespace handmill::api
