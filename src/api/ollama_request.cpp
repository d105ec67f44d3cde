// The bodies of Ollama's routes.
#include <algorithm>
#include <cctype>
#include <utility>

#include "api/body.h"
#include "api/ollama.h"
#include "api/ollama_options.h"
#include "api/ollama_reply.h"
#include "base/quote.h"

namespace handmill::api::ollama {
namespace {

namespace json = boost::json;

constexpr std::string_view kNotYet = "is not supported yet";

/// Ollama's form of a call has its arguments as an object; templates want OpenAI's form around it.
json::array read_tool_calls(const Field& field) {
  json::array calls;
  for (const Field& item : field.items(kToolCallsMax)) {
    Fields call = item.required().fields();
    Fields function = call.at("function").required().fields();
    std::string id, name;
    function.at("name").required().read(name, kNameBytesMax);
    json::object arguments;
    if (const Field given = function.at("arguments"); given.is_object())
      arguments = given.value().get_object();
    else if (given.given())
      given.wrong_type("an object");
    json::object out = {{"type", "function"},
                        {"function", {{"name", name}, {"arguments", std::move(arguments)}}}};
    if (call.at("id").read(id, kNameBytesMax)) out["id"] = id;
    calls.push_back(std::move(out));
  }
  return calls;
}

std::string read_role(const Field& field) {
  std::string role;
  if (!field.required().read(role, kRoleBytesMax)) return role;
  std::transform(role.begin(), role.end(), role.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (role != "system" && role != "user" && role != "assistant" && role != "tool")
    field.invalid("is {}; it must be one of: system, user, assistant, tool", base::quoted(role));
  return role;
}

chat::Message read_message(const Field& field) {
  chat::Message message;
  Fields fields = field.required().fields();
  message.role = read_role(fields.at("role"));
  fields.at("content").read(message.content, kTextBytesMax);
  std::string text;
  if (fields.at("thinking").read(text, kTextBytesMax) && !text.empty())
    message.extra["reasoning_content"] = text;
  if (fields.at("tool_name").read(text, kNameBytesMax)) message.extra["name"] = text;
  if (fields.at("tool_call_id").read(text, kNameBytesMax)) message.extra["tool_call_id"] = text;
  json::array calls = read_tool_calls(fields.at("tool_calls"));
  if (!calls.empty()) message.extra["tool_calls"] = std::move(calls);
  fields.refuse({"images"}, kNotYet);
  fields.ignore_rest();
  return message;
}

std::vector<chat::Message> read_messages(const Field& field) {
  std::vector<chat::Message> messages;
  const std::vector<Field> items = field.items(kMessagesMax);
  for (const Field& item : items) messages.push_back(read_message(item));
  if (!messages.empty() && messages.back().role == "assistant")
    items.back().unsupported("is an answer that has begun; going on with one is not supported yet");
  return messages;
}

/// What /api/generate and /api/chat have in common.
struct Common {
  Completion completion;
  chat::RenderOptions render;
  ReplyOptions reply;
};

Common read_common(Fields& body, Route route) {
  Common common;
  Completion& completion = common.completion;
  read_model(body, completion.model);
  common.reply.route = route;
  body.at("stream").read(common.reply.stream);
  completion.keep_alive = read_keep_alive(body.at("keep_alive"));
  read_options(body.at("options"), completion);
  read_think(body.at("think"), completion, common.render);
  common.reply.thinking = completion.think.value_or(true);
  body.at("truncate").read(completion.truncate);
  bool logprobs = false;
  int top = 0;
  body.at("logprobs").read(logprobs);
  body.at("top_logprobs").read(top, 0, kTopLogprobsMax.value);
  if (logprobs) completion.logprobs = top;
  body.refuse({"format", "shift", "_debug_render_only"}, kNotYet);
  return common;
}

/// The outcome of a reader of /api/generate or /api/chat; `empty`: there is no prompt.
Generation finish(Reading& reading, Common common, bool empty) {
  if (reading.fault) return *std::move(reading.fault);
  Completion& completion = common.completion;
  if (empty && completion.keep_alive == std::chrono::milliseconds(0))
    return Unload{common.reply.route, completion.model};
  if (empty) return Preload{common.reply.route, completion.model, completion.keep_alive};
  return Asked{std::move(completion), make_reply(common.reply), std::move(reading.ignored)};
}

Generation generate(const json::object& object) {
  Reading reading;
  Fields body(object, reading);
  Common common = read_common(body, Route::kGenerate);
  std::string prompt, system;
  bool raw = false;
  body.at("prompt").read(prompt, kTextBytesMax);
  const Field system_field = body.at("system");
  system_field.read(system, kTextBytesMax);
  body.at("raw").read(raw);
  body.refuse({"template", "suffix", "images"}, kNotYet);
  body.refuse({"context"}, "is deprecated, and not supported; use /api/chat");
  body.ignore_rest();
  const bool empty = prompt.empty();
  if (raw) {
    if (!system.empty()) system_field.invalid("and raw exclude each other");
    common.completion.prompts.push_back(PlainText{std::move(prompt), true});
  } else {
    Conversation conversation;
    conversation.render = std::move(common.render);
    if (!system.empty()) conversation.messages.push_back({"system", std::move(system), {}});
    conversation.messages.push_back({"user", std::move(prompt), {}});
    common.completion.prompts.push_back(std::move(conversation));
  }
  return finish(reading, std::move(common), empty);
}

Generation chat(const json::object& object) {
  Reading reading;
  Fields body(object, reading);
  Common common = read_common(body, Route::kChat);
  Conversation conversation;
  conversation.messages = read_messages(body.at("messages"));
  body.refuse({"tools"}, kNotYet);
  body.ignore_rest();
  const bool empty = conversation.messages.empty();
  conversation.render = std::move(common.render);
  common.completion.prompts.push_back(std::move(conversation));
  return finish(reading, std::move(common), empty);
}

}  // namespace

Generation read_generate(std::string_view body) { return read_body<Generation>(body, generate); }
Generation read_chat(std::string_view body) { return read_body<Generation>(body, chat); }

Fault store_fault(std::string_view route) {
  return {
      Fault::Kind::kUnsupported,
      fmt::format("{} is not supported yet: models are added and removed outside the API", route)};
}

}  // namespace handmill::api::ollama
