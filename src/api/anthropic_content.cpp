#include "api/anthropic_content.h"

#include <utility>

#include "base/quote.h"

namespace handmill::api::anthropic {
namespace {

namespace json = boost::json;

/// Texts that stand in blocks of their own stay apart.
void join(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += '\n';
  text += more;
}

std::string read_type(Fields& block) {
  std::string type;
  block.at("type").required().read(type, kRoleBytesMax);
  return type;
}

void refuse_type(const Field& field, std::string_view type) {
  if (type.empty()) return;  // told already
  field.unsupported("is a block of type {}, which is not supported", base::quoted(type));
}

/// A string, or blocks of text alone.
std::string read_texts(const Field& field) {
  std::string all, text;
  if (field.is_text()) {
    field.read(all, kTextBytesMax);
    return all;
  }
  if (field.given() && !field.is_array()) field.wrong_type("a string or an array of blocks");
  if (!field.is_array()) return all;
  for (const Field& item : field.items(kPartsMax)) {
    Fields block = item.required().fields();
    const std::string type = read_type(block);
    if (type != "text") refuse_type(item, type);
    block.at("cache_control");  // every prefix is cached
    if (type == "text" && block.at("text").required().read(text, kTextBytesMax)) join(all, text);
    block.ignore_rest();
  }
  return all;
}

/// Puts the messages that one of Anthropic's becomes at the end of the conversation.
class Conversation {
 public:
  void read(const Field& field) {
    Fields message = field.required().fields();
    size_t role = 0;
    const bool has_role = message.at("role").required().read_word(role, {"user", "assistant"});
    role_ = role == 0 ? "user" : "assistant";
    const Field content = message.at("content").required();
    if (!has_role) return;
    if (content.is_array()) {
      for (const Field& item : content.items(kPartsMax)) read_block(item);
    } else {
      say(read_texts(content));
    }
    message.ignore_rest();
  }
  std::vector<chat::Message> take() && { return std::move(messages_); }

 private:
  void read_block(const Field& field) {
    Fields block = field.required().fields();
    const std::string type = read_type(block);
    const bool user = role_ == "user";
    std::string text;
    block.at("cache_control");
    if (type == "text") {
      if (block.at("text").required().read(text, kTextBytesMax)) say(text);
    } else if (type == "thinking" && !user) {
      block.at("signature");
      if (block.at("thinking").required().read(text, kTextBytesMax)) think(text);
    } else if (type == "redacted_thinking" && !user) {
      block.pass_over({"data"});  // nobody but its maker can read it
    } else if (type == "tool_use" && !user) {
      call(block);
    } else if (type == "tool_result" && user) {
      answer(block);
    } else {
      refuse_type(field, type);
    }
    block.ignore_rest();
  }

  /// The message that goes on: the last one, if it has this role.
  chat::Message& current() {
    if (messages_.empty() || messages_.back().role != role_) messages_.push_back({role_, {}, {}});
    return messages_.back();
  }
  void say(std::string_view text) { join(current().content, text); }
  void think(std::string_view text) {
    json::value& all = current().extra["reasoning_content"];
    std::string joined(all.is_string() ? std::string_view(all.get_string()) : "");
    join(joined, text);
    all = joined;
  }
  void call(Fields& block) {
    std::string id, name;
    block.at("id").required().read(id, kNameBytesMax);
    block.at("name").required().read(name, kNameBytesMax);
    const Field input = block.at("input").required();
    if (!input.is_object()) return input.wrong_type("an object");
    json::value& calls = current().extra["tool_calls"];
    if (!calls.is_array()) calls = json::array();
    if (calls.get_array().size() >= static_cast<size_t>(kToolCallsMax.value))
      return input.invalid("is of one call too many; at most {} are taken in a message",
                           kToolCallsMax.value);
    calls.get_array().push_back(
        {{"id", id},
         {"type", "function"},
         {"function", {{"name", name}, {"arguments", input.value().get_object()}}}});
  }
  void answer(Fields& block) {
    std::string id;
    block.at("tool_use_id").required().read(id, kNameBytesMax);
    bool is_error = false;  // its text says so too
    block.at("is_error").read(is_error);
    messages_.push_back({"tool", read_texts(block.at("content")), {{"tool_call_id", id}}});
  }

  std::string role_;
  std::vector<chat::Message> messages_;
};

}  // namespace

std::vector<chat::Message> read_conversation(Fields& body) {
  Conversation conversation;
  std::vector<chat::Message> all;
  if (std::string system = read_texts(body.at("system")); !system.empty())
    all.push_back({"system", std::move(system), {}});
  const Field field = body.at("messages").required();
  const std::vector<Field> items = field.items(kMessagesMax);
  if (field.is_array() && field.value().get_array().empty()) field.invalid("is empty");
  for (const Field& item : items) conversation.read(item);
  std::vector<chat::Message> messages = std::move(conversation).take();
  if (!messages.empty() && messages.back().role == "assistant")
    items.back().unsupported("is an answer that has begun; going on with one is not supported yet");
  all.insert(all.end(), std::make_move_iterator(messages.begin()),
             std::make_move_iterator(messages.end()));
  return all;
}

}  // namespace handmill::api::anthropic
