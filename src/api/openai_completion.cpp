// POST /v1/completions.
#include "api/openai.h"
#include "api/openai_fields.h"
#include "api/openai_reply.h"

namespace handmill::api {
namespace {

constexpr int kAnswerTokensDefault = 16;  // OpenAI's

void read_prompt(const Field& item, std::vector<Prompt>& prompts) {
  if (item.is_array()) {
    std::vector<text::Token> tokens;
    if (item.value().get_array().empty()) return item.invalid("is empty; there must be a token");
    if (item.read_tokens(tokens)) prompts.emplace_back(std::move(tokens));
    return;
  }
  PlainText text;
  text.special = true;  // such prompts write the model's control tokens out
  if (!item.is_text()) return item.required().wrong_type("a string or an array of token numbers");
  if (item.read(text.text, kTextBytesMax)) prompts.emplace_back(std::move(text));
}

/// A string, an array of strings, an array of token numbers, or an array of such arrays.
void read_prompts(const Field& field, std::vector<Prompt>& prompts) {
  if (!field.required().given()) return;
  if (!field.is_array()) return read_prompt(field, prompts);
  const boost::json::array& array = field.value().get_array();
  if (array.empty()) return field.invalid("is empty; there must be a prompt");
  if (array[0].is_number()) return read_prompt(field, prompts);
  for (const Field& item : field.items(kPromptsMax)) read_prompt(item, prompts);
}

void read_best_of(const Field& field, int choices) {
  int best_of = choices;
  if (field.read(best_of, 1, kChoicesMax.value) && best_of != 1 && best_of != choices)
    field.unsupported("is {} where n is {}; handmill gives every answer that it makes", best_of,
                      choices);
}

}  // namespace

Read<Asked> read_openai_completion(const boost::json::object& object) {
  Reading reading;
  Fields body(object, reading);
  Asked asked;
  Completion& completion = asked.completion;
  ReplyOptions options;

  read_prompts(body.at("prompt"), completion.prompts);
  read_common(body, completion);
  read_sampling(body, completion.sampling);
  completion.max_tokens = kAnswerTokensDefault;
  body.at("max_tokens").read(completion.max_tokens, -1, kAnswerTokensMax.value);
  body.at("logprobs").read(completion.logprobs, 0, kTopLogprobsMax.value);
  body.at("echo").read(completion.echo);
  completion.prompt_logprobs = completion.echo && completion.logprobs >= 0;
  read_best_of(body.at("best_of"), completion.choices);
  body.refuse({"suffix"}, "is not supported: handmill fills no gaps yet");
  body.refuse({"response_format", "include_stop_str_in_output"}, "is not supported");
  body.at("stream").read(options.streams);
  Fields stream_options = body.at("stream_options").fields();
  stream_options.at("include_usage").read(options.usage);
  stream_options.refuse({"continuous_usage_stats"}, "is not supported");
  if (options.streams && completion.prompt_logprobs)
    body.at("echo").unsupported("with logprobs is not supported in a stream");
  check_sequences(completion, reading);
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);

  options.choices = completion.choices * static_cast<int>(completion.prompts.size());
  asked.reply = make_openai_reply(make_text_shape(completion.logprobs), options);
  asked.ignored = std::move(reading.ignored);
  return asked;
}

}  // namespace handmill::api
