// What Anthropic's bodies become, and what is refused in them.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "api/anthropic.h"

namespace handmill::api::anthropic {
namespace {

constexpr std::string_view kMessages = R"("messages":[{"role":"user","content":"Hi"}])";

template <class T>
Fault fault_of(const T& result) {
  const auto* fault = std::get_if<Fault>(&result);
  return fault ? *fault : Fault{Fault::Kind::kInternal, "no fault", "no fault"};
}
Read<Asked> read(std::string_view more) {
  return read_messages(R"({"model":"m","max_tokens":4096,)" + std::string(kMessages) +
                       std::string(more) + "}");
}
Asked asked(Read<Asked> result) {
  auto* asked = std::get_if<Asked>(&result);
  if (!asked) ADD_FAILURE() << fault_of(result).message;
  return asked ? std::move(*asked) : Asked{{Completion{}}, nullptr, {}};
}
Read<Asked> with(std::string_view messages) {
  return read_messages(R"({"max_tokens":1,"messages":)" + std::string(messages) + "}");
}
std::vector<chat::Message> conversation(std::string_view messages) {
  const Asked result = asked(with(messages));
  if (result.completion.prompts.empty()) return {};
  return std::get<Conversation>(result.completion.prompts[0]).messages;
}
/// "role:content{extra}" of each.
std::string told(const std::vector<chat::Message>& messages) {
  std::string out;
  for (const chat::Message& each : messages) {
    out += each.role + ":" + each.content;
    if (!each.extra.empty()) out += boost::json::serialize(each.extra);
    out += ";";
  }
  return out;
}

TEST(AnthropicRequest, Defaults) {
  const Asked plain = asked(read(""));
  const Completion& c = plain.completion;
  EXPECT_EQ(c.model, "m");
  EXPECT_EQ(c.max_tokens, 4096);
  EXPECT_FALSE(plain.reply->streams());
  EXPECT_EQ(c.think, false);  // as there: off unless it is asked for
  EXPECT_EQ(c.sampling.temperature, 1);
  EXPECT_TRUE(c.stop.empty());
  EXPECT_FALSE(c.truncate);
  EXPECT_TRUE(sample::validate_ranges(c.sampling).ok());
  EXPECT_EQ(told(std::get<Conversation>(c.prompts.at(0)).messages), "user:Hi;");
}

TEST(AnthropicRequest, Everything) {
  const Asked full = asked(read(
      R"(,"stream":true,"temperature":0.5,"top_p":0.7,"top_k":9,"stop_sequences":["a","b"],
         "metadata":{"user_id":"u"},"tools":[],"tool_choice":{"type":"auto"},
         "thinking":{"type":"enabled","budget_tokens":1024},"output_config":{"effort":"low"},
         "system":[{"type":"text","text":"One.","cache_control":{"type":"ephemeral"}},
                   {"type":"text","text":"Two."}],"service_tier":"auto")"));
  const Completion& c = full.completion;
  EXPECT_TRUE(full.reply->streams());
  EXPECT_EQ(c.sampling.temperature, 0.5f);
  EXPECT_EQ(c.sampling.top_p, 0.7f);
  EXPECT_EQ(c.sampling.top_k, 9);
  EXPECT_EQ(c.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(c.think, true);
  const auto& prompt = std::get<Conversation>(c.prompts.at(0));
  EXPECT_EQ(told(prompt.messages), "system:One.\nTwo.;user:Hi;");
  EXPECT_EQ(prompt.render.extra.at("reasoning_effort"), "low");
  EXPECT_EQ(full.ignored, (std::vector<std::string>{"thinking.budget_tokens", "service_tier"}));
  EXPECT_EQ(asked(read(R"(,"thinking":{"type":"adaptive"})")).completion.think, true);
  EXPECT_EQ(asked(read(R"(,"thinking":{"type":"disabled"})")).completion.think, false);
}

TEST(AnthropicRequest, BlocksBecomeMessages) {
  EXPECT_EQ(told(conversation(R"([
      {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
      {"role":"user","content":"c"},
      {"role":"assistant","content":[
        {"type":"thinking","thinking":"hm","signature":"s"},
        {"type":"redacted_thinking","data":"x"},
        {"type":"text","text":"Let me see."},
        {"type":"tool_use","id":"t1","name":"f","input":{"x":1}},
        {"type":"tool_use","id":"t2","name":"g","input":{}}]},
      {"role":"user","content":[
        {"type":"tool_result","tool_use_id":"t1","content":"1"},
        {"type":"tool_result","tool_use_id":"t2","is_error":true,
         "content":[{"type":"text","text":"no"},{"type":"text","text":"luck"}]},
        {"type":"tool_result","tool_use_id":"t3"},
        {"type":"text","text":"Well?"}]}])")),
            R"(user:a
b
c;assistant:Let me see.{"reasoning_content":"hm","tool_calls":[)"
            R"({"id":"t1","type":"function","function":{"name":"f","arguments":{"x":1}}},)"
            R"({"id":"t2","type":"function","function":{"name":"g","arguments":{}}}]};)"
            R"(tool:1{"tool_call_id":"t1"};tool:no
luck{"tool_call_id":"t2"};tool:{"tool_call_id":"t3"};user:Well?;)");
}

TEST(AnthropicRequest, RefusedByName) {
  const std::pair<std::string, std::string> fields[] = {
      {"tools", R"("tools":[{"name":"f"}])"},
      {"tool_choice.type", R"("tool_choice":{"type":"any"})"},
      {"tool_choice.type", R"("tool_choice":{"type":"tool","name":"f"})"},
      {"mcp_servers", R"("mcp_servers":[{"url":"x"}])"},
      {"container", R"("container":"c")"},
      {"output_format", R"("output_format":{"type":"json_schema"})"},
      {"output_config.format", R"("output_config":{"format":{"type":"json_schema"}})"}};
  for (const auto& [param, field] : fields) {
    const Fault fault = fault_of(read("," + field));
    EXPECT_EQ(fault.param, param);
    EXPECT_EQ(fault.kind, Fault::Kind::kUnsupported) << fault.message;
  }
}

TEST(AnthropicRequest, BadFieldsAreNamed) {
  const std::pair<std::string, std::string> fields[] = {
      {"temperature", R"("temperature":1.1)"},
      {"temperature", R"("temperature":-1)"},
      {"temperature", R"("temperature":"0")"},
      {"top_p", R"("top_p":2)"},
      {"top_k", R"("top_k":-1)"},
      {"top_k", R"("top_k":1.5)"},
      {"top_k", R"("top_k":1e308)"},
      {"stream", R"("stream":1)"},
      {"stop_sequences", R"("stop_sequences":"x")"},
      {"stop_sequences[1]", R"("stop_sequences":["x",1])"},
      {"metadata", R"("metadata":"u")"},
      {"system", R"("system":1)"},
      {"system[0]", R"("system":[{"type":"image"}])"},
      {"system[0].text", R"("system":[{"type":"text"}])"},
      {"thinking", R"("thinking":true)"},
      {"thinking.type", R"("thinking":{})"},
      {"thinking.type", R"("thinking":{"type":"much"})"},
      {"thinking.budget_tokens", R"("thinking":{"type":"enabled","budget_tokens":1023})"},
      {"thinking.budget_tokens", R"("thinking":{"type":"enabled","budget_tokens":4096})"},
      {"output_config.effort", R"("output_config":{"effort":"some"})"},
      {"tool_choice.type", R"("tool_choice":{"type":"maybe"})"}};
  for (const auto& [param, field] : fields) {
    const Fault fault = fault_of(read("," + field));
    EXPECT_EQ(fault.param, param) << field;
    EXPECT_EQ(http_status(fault.kind), 400) << fault.message;
  }
}

TEST(AnthropicRequest, MaxTokensIsRequired) {
  EXPECT_EQ(fault_of(read_messages("{" + std::string(kMessages) + "}")).message,
            "max_tokens is required");
  for (const char* bad : {"0", "-1", "1.5", "1e308", "\"1\"", "[]", "true", "null",
                          "18446744073709551615", "99999999999"}) {
    const auto result =
        read_messages("{" + std::string(kMessages) + ",\"max_tokens\":" + bad + "}");
    EXPECT_EQ(fault_of(result).param, "max_tokens") << bad;
  }
}

TEST(AnthropicRequest, BadMessagesAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {"null", "messages"},
      {"[]", "messages"},
      {"{}", "messages"},
      {"[null]", "messages[0]"},
      {"[1]", "messages[0]"},
      {R"([{"content":"x"}])", "messages[0].role"},
      {R"([{"role":"system","content":"x"}])", "messages[0].role"},
      {R"([{"role":"user"}])", "messages[0].content"},
      {R"([{"role":"user","content":1}])", "messages[0].content"},
      {R"([{"role":"user","content":[1]}])", "messages[0].content[0]"},
      {R"([{"role":"user","content":[{}]}])", "messages[0].content[0].type"},
      {R"([{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text"},
      {R"([{"role":"user","content":[{"type":"image","source":{}}]}])", "messages[0].content[0]"},
      {R"([{"role":"user","content":[{"type":"document"}]}])", "messages[0].content[0]"},
      {R"([{"role":"user","content":[{"type":"thinking","thinking":"x"}]}])",
       "messages[0].content[0]"},
      {R"([{"role":"user","content":[{"type":"tool_result"}]}])",
       "messages[0].content[0].tool_use_id"},
      {R"([{"role":"user","content":[{"type":"tool_result","tool_use_id":"t",
            "content":[{"type":"image"}]}]}])",
       "messages[0].content[0].content[0]"},
      {R"([{"role":"assistant","content":[{"type":"tool_result","tool_use_id":"t"}]}])",
       "messages[0].content[0]"},
      {R"([{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f"}]}])",
       "messages[0].content[0].input"},
      {R"([{"role":"user","content":"x"},{"role":"assistant","content":"The"}])", "messages[1]"}};
  for (const auto& [messages, param] : cases) {
    const Fault fault = fault_of(with(messages));
    EXPECT_EQ(fault.param, param) << messages << ": " << fault.message;
  }
}

TEST(AnthropicRequest, CallsOfOneMessageAreBounded) {
  std::string calls, more;
  for (int i = 0; i < 129; ++i) {
    if (i > 0) calls += ",";
    if (i == 128) more = calls;
    calls += R"({"type":"tool_use","id":"t","name":"f","input":{}})";
  }
  const auto told_of = [](const std::string& blocks) {
    return fault_of(with(R"([{"role":"assistant","content":[)" + blocks +
                         R"(]},{"role":"user","content":"x"}])"))
        .param;
  };
  EXPECT_EQ(told_of(calls), "messages[0].content[128].input");
  more.pop_back();
  EXPECT_EQ(told_of(more), "no fault");
}

TEST(AnthropicRequest, CountTokens) {
  const auto result = read_count_tokens(
      R"({"model":"m","system":"s","thinking":{"type":"enabled","budget_tokens":5000},)" +
      std::string(kMessages) + "}");
  ASSERT_TRUE(std::holds_alternative<CountAsk>(result)) << fault_of(result).message;
  const auto& ask = std::get<CountAsk>(result);
  EXPECT_EQ(ask.model, "m");
  EXPECT_EQ(told(ask.conversation.messages), "system:s;user:Hi;");
  EXPECT_EQ(ask.think, true);
  EXPECT_EQ(fault_of(read_count_tokens(R"({"model":"m"})")).message, "messages is required");
}

TEST(AnthropicRequest, NoBodyBreaksIt) {
  for (const char* body : {"", "[]", "7", "{", "{\"model\":\"\xff\"}", "null"}) {
    EXPECT_NE(fault_of(read_messages(body)).message, "no fault") << body;
    EXPECT_NE(fault_of(read_count_tokens(body)).message, "no fault") << body;
  }
}

}  // namespace
}  // namespace handmill::api::anthropic
