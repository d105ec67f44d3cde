// What a chat request says, in the neutral form.
#include <cmath>

#include "api/read_check.h"

namespace handmill::api {
namespace {

Asked chat(std::string_view fields,
           std::string_view messages = R"([{"role":"user","content":"Hi"}])") {
  std::string text = fmt::format("{{\"messages\":{}", messages);
  if (!fields.empty()) text += fmt::format(",{}", fields);
  return good(read_openai_chat(object_of(text + "}")));
}

const Conversation& conversation_of(const Asked& asked) {
  return std::get<Conversation>(asked.completion.prompts.at(0));
}

std::string param_of(std::string_view messages) {
  const auto fault =
      fault_of(read_openai_chat(object_of(fmt::format("{{\"messages\":{}}}", messages))));
  return fault ? fault->param : "none";
}

TEST(OpenAiChat, HasHandmillsDefaults) {
  const Asked asked = chat("");
  const Completion& completion = asked.completion;
  const sample::Settings defaults;
  EXPECT_EQ(completion.sampling.temperature, defaults.temperature);
  EXPECT_EQ(completion.sampling.top_k, defaults.top_k);
  EXPECT_EQ(completion.sampling.min_p, defaults.min_p);
  EXPECT_FALSE(completion.sampling.seed);
  EXPECT_EQ(completion.choices, 1);
  EXPECT_EQ(completion.max_tokens, -1);
  EXPECT_EQ(completion.logprobs, -1);
  EXPECT_EQ(completion.context, 0);
  EXPECT_FALSE(completion.think);
  EXPECT_FALSE(completion.truncate);
  EXPECT_FALSE(asked.reply->streams());
  EXPECT_EQ(asked.reply->content_type(), "application/json");
}

TEST(OpenAiChat, ReadsEveryField) {
  const Asked asked = chat(
      R"("model":"smol","n":3,"seed":42,"stop":["a","","b"],"temperature":0,"top_p":0.5,
         "top_k":7,"min_p":0.25,"typical_p":0.75,"presence_penalty":-1,"frequency_penalty":1.5,
         "repetition_penalty":1.25,"repeat_last_n":-1,"max_completion_tokens":99,"logprobs":true,
         "top_logprobs":4,"num_ctx":2048,"ignore_eos":true,"priority":-2,"stream":true,
         "mirostat":2,"mirostat_tau":4,"mirostat_eta":0.5)");
  const Completion& completion = asked.completion;
  EXPECT_EQ(completion.model, "smol");
  EXPECT_EQ(completion.choices, 3);
  EXPECT_EQ(completion.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(completion.max_tokens, 99);
  EXPECT_EQ(completion.logprobs, 4);
  EXPECT_EQ(completion.context, 2048);
  EXPECT_TRUE(completion.ignore_end);
  EXPECT_EQ(completion.priority, -2);
  EXPECT_TRUE(asked.reply->streams());
  const sample::Settings& sampling = completion.sampling;
  EXPECT_EQ(sampling.seed, 42u);
  EXPECT_EQ(sampling.temperature, 0);
  EXPECT_EQ(sampling.top_p, 0.5f);
  EXPECT_EQ(sampling.top_k, 7);
  EXPECT_EQ(sampling.min_p, 0.25f);
  EXPECT_EQ(sampling.typical_p, 0.75f);
  EXPECT_EQ(sampling.presence_penalty, -1);
  EXPECT_EQ(sampling.frequency_penalty, 1.5f);
  EXPECT_EQ(sampling.repeat_penalty, 1.25f);
  EXPECT_EQ(sampling.penalty_last_n, -1);
  EXPECT_TRUE(sampling.mirostat);
  EXPECT_EQ(sampling.mirostat_tau, 4);
  EXPECT_EQ(sampling.mirostat_eta, 0.5f);
  EXPECT_TRUE(asked.ignored.empty());
}

TEST(OpenAiChat, OtherWaysToSayIt) {
  EXPECT_EQ(chat(R"("top_k":-1)").completion.sampling.top_k, 0);
  EXPECT_FALSE(chat(R"("seed":-1)").completion.sampling.seed);
  EXPECT_EQ(chat(R"("seed":-2)").completion.sampling.seed, UINT64_MAX - 1);
  EXPECT_EQ(chat(R"("repeat_penalty":1.5)").completion.sampling.repeat_penalty, 1.5f);
  EXPECT_EQ(chat(R"("stop":"x")").completion.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(chat(R"("max_tokens":5)").completion.max_tokens, 5);
  EXPECT_EQ(chat(R"("max_tokens":-1)").completion.max_tokens, -1);
  EXPECT_EQ(chat(R"("max_tokens":5,"max_completion_tokens":5)").completion.max_tokens, 5);
  EXPECT_EQ(chat(R"("logprobs":true)").completion.logprobs, 0);
  EXPECT_EQ(chat(R"("logprobs":false,"top_logprobs":0)").completion.logprobs, -1);
}

TEST(OpenAiChat, TwoLimitsThatDifferAreAFault) {
  const Endpoint& endpoint = endpoint_named("chat");
  boost::json::object body = object_of(endpoint.minimal);
  body["max_tokens"] = 5;
  body["max_completion_tokens"] = 6;
  const auto fault = endpoint.read(body);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->message, "max_completion_tokens is 6 and max_tokens is 5; give one of them");
  for (const char* field : {"max_tokens", "max_completion_tokens"})
    EXPECT_EQ(fault_with(endpoint, field, 0).value_or(Fault()).param, field);
}

TEST(OpenAiChat, LogitBias) {
  using Pairs = std::vector<std::pair<text::Token, float>>;
  EXPECT_EQ(chat(R"("logit_bias":{"5":-100,"7":1.5})").completion.sampling.logit_bias,
            (Pairs{{5, -100.0f}, {7, 1.5f}}));
  EXPECT_EQ(chat(R"("logit_bias":[[5,1],[7,false]])").completion.sampling.logit_bias,
            (Pairs{{5, 1.0f}, {7, -INFINITY}}));
  const std::pair<std::string_view, std::string_view> bad[] = {
      {R"({"x":1})", "logit_bias"},         {R"({"-1":1})", "logit_bias"},
      {R"({"1 ":1})", "logit_bias"},        {R"({"99999999999":1})", "logit_bias"},
      {R"({"5":101})", "logit_bias.5"},     {R"({"5":"1"})", "logit_bias.5"},
      {R"({"5":null})", "logit_bias.5"},    {R"({"5":true})", "logit_bias.5"},
      {R"([5])", "logit_bias[0]"},          {R"([[5]])", "logit_bias[0]"},
      {R"([[-1,1]])", "logit_bias[0][0]"},  {R"([["a",1]])", "logit_bias[0][0]"},
      {R"([[5,1e9]])", "logit_bias[0][1]"},
  };
  for (const auto& [value, param] : bad) {
    const auto fault = fault_with(endpoint_named("chat"), "logit_bias",
                                  boost::json::parse(boost::json::string_view(value)));
    ASSERT_TRUE(fault) << value;
    EXPECT_EQ(fault->param, param) << fault->message;
  }
}

TEST(OpenAiChat, MessagesOfEveryRole) {
  const Asked asked = chat("", R"([
      {"role":"developer","content":"D"},
      {"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
      {"role":"user","content":"U","name":"ann"},
      {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[
         {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
         {"id":"c2","function":{"name":"g","arguments":"not json"}}]},
      {"role":"tool","tool_call_id":"c1","content":"11"}])");
  const std::vector<chat::Message>& messages = conversation_of(asked).messages;
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[0].role, "system");
  EXPECT_EQ(messages[1].content, "a\nb");
  EXPECT_EQ(messages[2].extra, object_of(R"({"name":"ann"})"));
  EXPECT_EQ(messages[3].content, "");
  EXPECT_EQ(messages[3].extra, object_of(R"({"reasoning_content":"hm","tool_calls":[
      {"id":"c1","type":"function","function":{"name":"f","arguments":{"x":1}}},
      {"id":"c2","type":"function","function":{"name":"g","arguments":"not json"}}]})"));
  EXPECT_EQ(messages[4].role, "tool");
  EXPECT_EQ(messages[4].extra, object_of(R"({"tool_call_id":"c1"})"));
}

TEST(OpenAiChat, BadMessagesAreNamed) {
  EXPECT_EQ(param_of("[]"), "messages");
  EXPECT_EQ(param_of("[null]"), "messages[0]");
  EXPECT_EQ(param_of("[\"x\"]"), "messages[0]");
  EXPECT_EQ(param_of("{}"), "messages");
  EXPECT_EQ(param_of(R"([{"content":"x"}])"), "messages[0].role");
  EXPECT_EQ(param_of(R"([{"role":"root","content":"x"}])"), "messages[0].role");
  EXPECT_EQ(param_of(R"([{"role":"function","content":"x"}])"), "messages[0].role");
  EXPECT_EQ(param_of(R"([{"role":"user"}])"), "messages[0].content");
  EXPECT_EQ(param_of(R"([{"role":"tool","content":null}])"), "messages[0].content");
  EXPECT_EQ(param_of(R"([{"role":"user","content":5}])"), "messages[0].content");
  EXPECT_EQ(param_of(R"([{"role":"user","content":[{"type":"image_url","image_url":{}}]}])"),
            "messages[0].content[0].type");
  EXPECT_EQ(param_of(R"([{"role":"user","content":[{"type":"input_audio"}]}])"),
            "messages[0].content[0].type");
  EXPECT_EQ(param_of(R"([{"role":"user","content":[{"text":"x"}]}])"),
            "messages[0].content[0].type");
  EXPECT_EQ(param_of(R"([{"role":"user","content":[{"type":"text"}]}])"),
            "messages[0].content[0].text");
  EXPECT_EQ(param_of(R"([{"role":"user","content":"x","name":5}])"), "messages[0].name");
  EXPECT_EQ(param_of(R"([{"role":"assistant","tool_calls":[{}]}])"),
            "messages[0].tool_calls[0].function");
  EXPECT_EQ(param_of(R"([{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}])"),
            "messages[0].tool_calls[0].function.arguments");
  EXPECT_EQ(param_of(R"([{"role":"assistant","tool_calls":[{"type":"custom"}]}])"),
            "messages[0].tool_calls[0].type");
  EXPECT_EQ(param_of(R"([{"role":"assistant","content":"x","function_call":{"name":"f"}}])"),
            "messages[0].function_call");
  EXPECT_EQ(param_of(R"([{"role":"user","content":"x","images":["AAAA"]}])"), "messages[0].images");
}

TEST(OpenAiChat, Thinking) {
  const auto think = [](std::string_view fields) { return chat(fields).completion.think; };
  EXPECT_EQ(think(""), std::nullopt);
  EXPECT_EQ(think(R"("reasoning_effort":"none")"), false);
  EXPECT_EQ(think(R"("reasoning_effort":"low")"), true);
  EXPECT_EQ(think(R"("reasoning":{"effort":"high"})"), true);
  EXPECT_EQ(think(R"("reasoning":{"enabled":false})"), false);
  EXPECT_EQ(think(R"("enable_thinking":false)"), false);
  EXPECT_EQ(think(R"("thinking":{"type":"disabled"})"), false);
  EXPECT_EQ(think(R"("thinking":{"type":"auto"})"), std::nullopt);
  EXPECT_EQ(think(R"("chat_template_kwargs":{"enable_thinking":true})"), true);
  EXPECT_EQ(think(R"("chat_template_kwargs":{"thinking":"a lot"})"), std::nullopt);
  EXPECT_EQ(fault_with(endpoint_named("chat"), "reasoning_effort", "huge").value_or(Fault()).param,
            "reasoning_effort");
}

TEST(OpenAiChat, TemplateVariables) {
  const Asked asked =
      chat(R"("chat_template_kwargs":{"enable_thinking":false,"x":[1]},"reasoning_effort":"high")");
  EXPECT_EQ(conversation_of(asked).render.extra,
            object_of(R"({"enable_thinking":false,"x":[1],"reasoning_effort":"high"})"));
  for (const char* own : {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"}) {
    const auto fault =
        fault_with(endpoint_named("chat"), "chat_template_kwargs", boost::json::object{{own, 1}});
    ASSERT_TRUE(fault) << own;
    EXPECT_EQ(fault->param, std::string("chat_template_kwargs.") + own);
  }
  EXPECT_FALSE(
      conversation_of(chat(R"("add_generation_prompt":false)")).render.add_generation_prompt);
}

}  // namespace
}  // namespace handmill::api
