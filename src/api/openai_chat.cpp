// POST /v1/chat/completions.
#include "api/openai.h"
#include "api/openai_fields.h"
#include "api/openai_reply.h"
#include "base/quote.h"

namespace handmill::api {
namespace {

void read_max_tokens(Fields& body, Completion& completion) {
  const Field old_name = body.at("max_tokens");
  const Field name = body.at("max_completion_tokens");
  for (const Field* field : {&old_name, &name}) {
    int most = -1;
    if (!field->read(most, -1, kAnswerTokensMax.value)) continue;
    if (most == 0) field->invalid("is 0; it must be at least 1");
    if (field == &name && old_name.given() && most != completion.max_tokens)
      field->invalid("is {} and max_tokens is {}; give one of them", most, completion.max_tokens);
    completion.max_tokens = most;
  }
}

void read_logprobs(Fields& body, Completion& completion) {
  bool wanted = false;
  body.at("logprobs").read(wanted);
  if (wanted) completion.logprobs = 0;
  const Field top = body.at("top_logprobs");
  int count = 0;
  if (!top.read(count, 0, kTopLogprobsMax.value)) return;
  if (wanted)
    completion.logprobs = count;
  else if (count > 0)
    top.invalid("is {}, but logprobs is not true", count);
}

void read_format(Fields& body) {
  const Field type = body.at("response_format").fields().at("type");
  std::string word = "text";
  type.read(word, kRoleBytesMax);
  if (body.at("response_format").is_object()) type.required();
  if (word != "text")
    type.unsupported("is {}; answers cannot be bound to a form yet, only \"text\" is given",
                     base::quoted(word, 40));
}

void refuse_unknown_media(Fields& body) {
  for (const Field& item : body.at("modalities").items(kWordsMax)) {
    std::string word;
    if (item.required().read(word, kRoleBytesMax) && word != "text")
      item.unsupported("is {}; handmill answers in \"text\" alone", base::quoted(word, 40));
  }
  for (const char* name : {"audio", "prediction", "web_search_options"})
    if (const Field field = body.at(name); field.given()) field.unsupported("is not supported");
  body.refuse({"echo", "include_stop_str_in_output"}, "is not supported");
}

bool read_usage_option(Fields& body) {
  bool usage = false;
  Fields options = body.at("stream_options").fields();
  options.at("include_usage").read(usage);
  options.refuse({"continuous_usage_stats"}, "is not supported");
  return usage;
}

}  // namespace

Read<Asked> read_openai_chat(const boost::json::object& object) {
  Reading reading;
  Fields body(object, reading);
  Asked asked;
  Completion& completion = asked.completion;
  Conversation conversation;
  ReplyOptions options;

  read_messages(body.at("messages"), conversation.messages);
  read_common(body, completion);
  read_sampling(body, completion.sampling);
  read_max_tokens(body, completion);
  read_logprobs(body, completion);
  read_render(body, conversation.render);
  read_thinking(body, completion, conversation.render);
  read_format(body);
  refuse_unknown_media(body);
  body.at("stream").read(options.streams);
  options.usage = read_usage_option(body);
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);

  options.choices = completion.choices;
  completion.prompts.emplace_back(std::move(conversation));
  asked.reply = make_openai_reply(make_chat_shape(completion.logprobs >= 0), options);
  asked.ignored = std::move(reading.ignored);
  return asked;
}

}  // namespace handmill::api
