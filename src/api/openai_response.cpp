// POST /v1/responses: nothing is stored, so what would refer to something stored is refused.
#include "api/openai_response.h"

#include "api/openai.h"
#include "api/openai_fields.h"
#include "base/quote.h"

namespace handmill::api {
namespace {

constexpr std::string_view kNotStored = "is not supported: handmill stores no responses";

/// Thoughts of earlier answers are dropped, as templates drop them.
void read_item(const Field& item, std::vector<chat::Message>& messages) {
  static constexpr std::string_view kRoles[] = {"system", "system", "user", "assistant"};
  Fields fields = item.required().fields();
  const Field type = fields.at("type");
  std::string word = "message";
  type.read(word, kRoleBytesMax);
  if (word == "reasoning") return;
  if (word != "message")
    return type.unsupported("is {}; handmill reads items of type: message, reasoning",
                            base::quoted(word, 40));
  chat::Message message;
  size_t role = 0;
  fields.at("role").required().read_word(role, {"system", "developer", "user", "assistant"});
  message.role = kRoles[role];
  read_content(fields.at("content").required(), {"input_text", "output_text", "text", "refusal"},
               message.content);
  messages.push_back(std::move(message));
}

void read_input(const Field& field, std::vector<chat::Message>& messages) {
  if (!field.required().given()) return;
  if (field.is_array()) {
    for (const Field& item : field.items(kMessagesMax)) read_item(item, messages);
    if (field.value().get_array().empty()) field.invalid("is empty; there must be an item");
    return;
  }
  chat::Message message;
  message.role = "user";
  if (!field.is_text()) return field.wrong_type("a string or an array of items");
  if (field.read(message.content, kTextBytesMax)) messages.push_back(std::move(message));
}

void refuse_stored(Fields& body) {
  body.refuse({"previous_response_id", "conversation", "prompt"}, kNotStored);
  body.refuse({"background"}, "is not supported: an answer comes on the connection that asks");
  body.refuse({"tools"}, "is not supported yet: handmill calls no tools");
  const Field choice = body.at("tool_choice");
  if (choice.given() && !choice.is_text() && !choice.is_object())
    choice.wrong_type("a string or an object");
  if (choice.is_object() || (choice.is_text() && choice.value().get_string() != "auto" &&
                             choice.value().get_string() != "none"))
    choice.unsupported("is not supported yet: handmill calls no tools");
  body.refuse({"top_logprobs"}, "is not supported");
  for (const Field& item : body.at("include").items(kWordsMax)) {
    std::string word;
    if (item.required().read(word, kNameBytesMax) && word == "message.output_text.logprobs")
      item.unsupported("asks for logprobs, which /v1/responses does not give");
  }
}

void read_format(Fields& body) {
  Fields text = body.at("text").fields();
  const Field type = text.at("format").fields().at("type");
  std::string word = "text";
  if (type.read(word, kRoleBytesMax) && word != "text")
    type.unsupported("is {}; answers cannot be bound to a form yet, only \"text\" is given",
                     base::quoted(word, 40));
}

void read_truncation(const Field& field, bool& truncate) {
  size_t word = 0;
  field.read_word(word, {"disabled", "auto"});
  truncate = word == 1;
}

}  // namespace

Read<Asked> read_openai_response(const boost::json::object& object) {
  Reading reading;
  Fields body(object, reading);
  Asked asked;
  Completion& completion = asked.completion;
  Conversation conversation;
  ResponseEcho echo;

  chat::Message system;
  system.role = "system";
  if (body.at("instructions").read(system.content, kTextBytesMax)) {
    echo.instructions = system.content;
    conversation.messages.push_back(std::move(system));
  }
  read_input(body.at("input"), conversation.messages);
  read_common(body, completion);
  read_sampling(body, completion.sampling);
  if (completion.choices != 1) body.at("n").unsupported("is not supported; there is one answer");
  body.at("max_output_tokens").read(completion.max_tokens, 1, kAnswerTokensMax.value);
  read_render(body, conversation.render);
  read_thinking(body, completion, conversation.render);
  read_format(body);
  read_truncation(body.at("truncation"), completion.truncate);
  refuse_stored(body);
  body.pass_over({"max_tool_calls", "stream_options", "include"});
  bool streams = false;
  body.at("stream").read(streams);
  body.at("metadata").fields();
  if (const Field field = body.at("metadata"); field.is_object())
    echo.metadata = field.value().get_object();
  if (const Field field = body.at("reasoning"); field.is_object())
    Fields(&field.value().get_object(), {}, reading).at("effort").read(echo.effort, kRoleBytesMax);
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);

  echo.max_output_tokens = completion.max_tokens;
  echo.temperature = completion.sampling.temperature;
  echo.top_p = completion.sampling.top_p;
  echo.truncates = completion.truncate;
  completion.prompts.emplace_back(std::move(conversation));
  asked.reply = make_response_reply(std::move(echo), streams);
  asked.ignored = std::move(reading.ignored);
  return asked;
}

}  // namespace handmill::api
