// The bodies of /v1/messages and of its count_tokens.
#include <utility>

#include "api/anthropic.h"
#include "api/anthropic_content.h"
#include "api/anthropic_reply.h"
#include "api/body.h"
#include "api/openai_fields.h"

namespace handmill::api::anthropic {
namespace {

namespace json = boost::json;

constexpr std::string_view kNotYet = "is not supported yet";

void read_thinking(const Field& field, int max_tokens, std::optional<bool>& think) {
  constexpr int kLeast = 1024;
  think = false;
  if (!field.given()) return;
  Fields thinking = field.fields();
  size_t type = 0;
  if (thinking.at("type").required().read_word(type, {"disabled", "enabled", "adaptive"}))
    think = type != 0;
  const Field budget = thinking.at("budget_tokens");
  int tokens = 0;
  if (budget.read(tokens, kLeast, kAnswerTokensMax.value) && max_tokens >= 0 &&
      tokens >= max_tokens)
    budget.invalid("is {}; it must be less than max_tokens, {}", tokens, max_tokens);
  thinking.pass_over({"budget_tokens"});  // an aim there, not a bound: max_tokens is
  thinking.ignore_rest();
}

/// How hard to think, which the templates of some models read, and the form of the answer.
void read_output(const Field& field, chat::RenderOptions& render) {
  Fields output = field.fields();
  size_t effort = 0;
  const Field wanted = output.at("effort");
  if (wanted.read_word(effort, {"low", "medium", "high", "xhigh", "max"}))
    render.extra["reasoning_effort"] = wanted.value();
  output.refuse({"format"}, kNotYet);
  output.ignore_rest();
}

void read_tools(Fields& body) {
  body.refuse({"tools"}, kNotYet);
  Fields choice = body.at("tool_choice").fields();
  const Field type = choice.at("type");
  size_t word = 0;
  if (type.read_word(word, {"auto", "none", "any", "tool"}) && word >= 2)
    type.unsupported("{} is not supported yet", word == 2 ? "any" : "tool");
  choice.at("name");
  choice.at("disable_parallel_tool_use");
}

/// What both routes have.
Conversation read_prompt(Fields& body, std::string& model, int max_tokens,
                         std::optional<bool>& think) {
  body.at("model").read(model, kModelBytesMax);
  Conversation conversation;
  conversation.messages = read_conversation(body);
  read_thinking(body.at("thinking"), max_tokens, think);
  read_output(body.at("output_config"), conversation.render);
  read_tools(body);
  body.refuse({"output_format", "mcp_servers", "container"}, kNotYet);
  return conversation;
}

void read_samplers(Fields& body, sample::Settings& settings) {
  settings.temperature = 1;
  body.at("temperature").read(settings.temperature, 0, 1);
  body.at("top_p").read(settings.top_p, 0, 1);
  body.at("top_k").read(settings.top_k, 0, kTopKMax.value);
}

Read<Asked> message(const json::object& object) {
  Reading reading;
  Fields body(object, reading);
  Completion completion;
  bool stream = false;
  body.at("max_tokens").required().read(completion.max_tokens, 1, kAnswerTokensMax.value);
  completion.prompts.push_back(
      read_prompt(body, completion.model, completion.max_tokens, completion.think));
  read_samplers(body, completion.sampling);
  const Field stops = body.at("stop_sequences");
  if (stops.is_text()) stops.wrong_type("an array of strings");
  read_stops(stops, completion.stop);
  body.at("stream").read(stream);
  body.at("metadata").fields();
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);
  auto reply = make_reply(stream, completion.think.value_or(true));
  return Asked{std::move(completion), std::move(reply), std::move(reading.ignored)};
}

Read<CountAsk> count(const json::object& object) {
  Reading reading;
  Fields body(object, reading);
  CountAsk ask;
  ask.conversation = read_prompt(body, ask.model, -1, ask.think);
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);
  ask.ignored = std::move(reading.ignored);
  return ask;
}

}  // namespace

Read<Asked> read_messages(std::string_view body) { return read_body<Read<Asked>>(body, message); }
Read<CountAsk> read_count_tokens(std::string_view body) {
  return read_body<Read<CountAsk>>(body, count);
}

}  // namespace handmill::api::anthropic
