// What Ollama's bodies become, and what is refused in them.
#include <gtest/gtest.h>

#include "api/ollama.h"

namespace handmill::api::ollama {
namespace {

using namespace std::chrono_literals;

template <class T>
std::string fault_text(const T& result) {
  const auto* fault = std::get_if<Fault>(&result);
  return fault ? fault->message : "no fault";
}

Asked asked(Generation result) {
  auto* asked = std::get_if<Asked>(&result);
  if (!asked) ADD_FAILURE() << fault_text(result);
  return asked ? std::move(*asked) : Asked{{Completion{}}, nullptr, {}};
}
Asked chat(std::string_view more) {
  return asked(read_chat(R"({"model":"m","messages":[{"role":"user","content":"Hi"}])" +
                         std::string(more) + "}"));
}
Generation generate(std::string_view more) {
  return read_generate(R"({"model":"m","prompt":"Hi")" + std::string(more) + "}");
}
const chat::Message& message(const Asked& asked, size_t i) {
  return std::get<Conversation>(asked.completion.prompts.at(0)).messages.at(i);
}
Completion options(std::string_view fields) {
  return asked(generate(R"(,"options":{)" + std::string(fields) + "}")).completion;
}

TEST(OllamaRequest, Defaults) {
  const Asked plain = chat("");
  EXPECT_EQ(plain.completion.model, "m");
  EXPECT_TRUE(plain.reply->streams());
  EXPECT_EQ(message(plain, 0).role, "user");
  EXPECT_EQ(message(plain, 0).content, "Hi");
  EXPECT_EQ(plain.completion.max_tokens, -1);
  EXPECT_EQ(plain.completion.context, 0);
  EXPECT_EQ(plain.completion.logprobs, -1);
  EXPECT_FALSE(plain.completion.truncate);  // nothing is cut unless the client says so
  EXPECT_FALSE(plain.completion.think);
  EXPECT_FALSE(plain.completion.keep_alive);
  EXPECT_TRUE(plain.ignored.empty());
  const sample::Settings& settings = plain.completion.sampling;
  EXPECT_EQ(settings.temperature, 0.8f);
  EXPECT_EQ(settings.top_k, 40);
  EXPECT_EQ(settings.top_p, 0.9f);
  EXPECT_EQ(settings.min_p, 0);
  EXPECT_EQ(settings.typical_p, 1);
  EXPECT_EQ(settings.penalty_last_n, 64);
  EXPECT_EQ(settings.repeat_penalty, 1);
  EXPECT_FALSE(settings.seed);
  EXPECT_TRUE(sample::validate_ranges(settings).ok());
}

TEST(OllamaRequest, Options) {
  const Completion c = options(
      R"("num_keep":5,"seed":42,"num_predict":100,"top_k":20,"top_p":0.5,"min_p":0.1,
         "typical_p":0.7,"repeat_last_n":33,"temperature":0.3,"repeat_penalty":1.2,
         "presence_penalty":1.5,"frequency_penalty":-1,"mirostat":2,"mirostat_tau":0.8,
         "mirostat_eta":0.6,"stop":["\n","user:",""],"num_ctx":1024)");
  EXPECT_EQ(c.sampling.seed, 42u);
  EXPECT_EQ(c.max_tokens, 100);
  EXPECT_EQ(c.sampling.top_k, 20);
  EXPECT_EQ(c.sampling.top_p, 0.5f);
  EXPECT_EQ(c.sampling.min_p, 0.1f);
  EXPECT_EQ(c.sampling.typical_p, 0.7f);
  EXPECT_EQ(c.sampling.penalty_last_n, 33);
  EXPECT_EQ(c.sampling.temperature, 0.3f);
  EXPECT_EQ(c.sampling.repeat_penalty, 1.2f);
  EXPECT_EQ(c.sampling.presence_penalty, 1.5f);
  EXPECT_EQ(c.sampling.frequency_penalty, -1);
  EXPECT_TRUE(c.sampling.mirostat);
  EXPECT_EQ(c.sampling.mirostat_tau, 0.8f);
  EXPECT_EQ(c.sampling.mirostat_eta, 0.6f);
  EXPECT_EQ(c.stop, (std::vector<std::string>{"\n", "user:"}));
  EXPECT_EQ(c.context, 1024);
}

TEST(OllamaRequest, OptionsThatMeanSomethingSpecial) {
  EXPECT_FALSE(options(R"("seed":-1)").sampling.seed);
  EXPECT_EQ(options(R"("seed":0)").sampling.seed, 0u);
  EXPECT_TRUE(options(R"("seed":-2)").sampling.seed);
  EXPECT_EQ(options(R"("num_predict":-1)").max_tokens, -1);
  EXPECT_EQ(options(R"("num_predict":-2)").max_tokens, -1);
  EXPECT_EQ(options(R"("num_predict":0)").max_tokens, 0);
  EXPECT_EQ(options(R"("repeat_last_n":-1)").sampling.penalty_last_n, -1);
  EXPECT_EQ(options(R"("repeat_last_n":0)").sampling.penalty_last_n, 0);
  EXPECT_FALSE(options(R"("mirostat":0)").sampling.mirostat);
  EXPECT_EQ(options(R"("stop":"one")").stop, std::vector<std::string>{"one"});
  EXPECT_EQ(options(R"("top_k":7.0)").sampling.top_k, 7);
  EXPECT_EQ(options(R"("temperature":null)").sampling.temperature, 0.8f);
}

TEST(OllamaRequest, UnknownOptionsAreIgnoredAndTold) {
  const Asked old = asked(generate(
      R"(,"options":{"tfs_z":2,"low_vram":true,"num_gpu":-1,"num_thread":8,"use_mmap":false})"));
  EXPECT_EQ(old.ignored, (std::vector<std::string>{"options.tfs_z", "options.low_vram"}));
  EXPECT_EQ(chat(R"(,"colour":1)").ignored, std::vector<std::string>{"colour"});
}

TEST(OllamaRequest, BadOptionsAreNamed) {
  const std::vector<std::string> out_of_range = {R"("num_predict":-3)",
                                                 R"("num_predict":1e9)",
                                                 R"("top_k":-1)",
                                                 R"("top_p":1.1)",
                                                 R"("top_p":-0.1)",
                                                 R"("min_p":2)",
                                                 R"("typical_p":-1)",
                                                 R"("repeat_last_n":-2)",
                                                 R"("temperature":-0.1)",
                                                 R"("temperature":999999)",
                                                 R"("repeat_penalty":0)",
                                                 R"("presence_penalty":1e9)",
                                                 R"("frequency_penalty":-101)",
                                                 R"("mirostat":3)",
                                                 R"("mirostat":1)",
                                                 R"("mirostat_tau":41)",
                                                 R"("mirostat_eta":-1)",
                                                 R"("num_ctx":-1)",
                                                 R"("num_ctx":1e12)",
                                                 R"("num_keep":-2)",

                                                 R"("seed":18446744073709551615)",
                                                 R"("stop":["ok",1])",
                                                 R"("stop":{})",
                                                 R"("stop":[null])"};
  for (const std::string& field : out_of_range) {
    const std::string name = field.substr(1, field.find('"', 1) - 1);
    const Generation result = generate(R"(,"options":{)" + field + "}");
    ASSERT_TRUE(std::holds_alternative<Fault>(result)) << field;
    EXPECT_EQ(std::get<Fault>(result).param.find("options." + name), 0u) << field;
    EXPECT_EQ(http_status(std::get<Fault>(result).kind), 400) << field;
  }
}

TEST(OllamaRequest, EveryNumberRefusesWhatIsNone) {
  for (const char* name :
       {"num_keep", "seed", "num_predict", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n",
        "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty", "mirostat",
        "mirostat_tau", "mirostat_eta", "num_ctx"}) {
    for (const char* value :
         {"\"1\"", "[]", "{}", "true", "1e308", "-1e308", "18446744073709551615",
          "9223372036854775807", "-9223372036854775808"}) {
      if (name == std::string("seed") && std::string(value).find("22337203") != std::string::npos)
        continue;  // a seed may be that large
      const Generation result =
          generate(",\"options\":{\"" + std::string(name) + "\":" + value + "}");
      ASSERT_TRUE(std::holds_alternative<Fault>(result)) << name << ": " << value;
      EXPECT_EQ(std::get<Fault>(result).param, std::string("options.") + name);
    }
  }
}

TEST(OllamaRequest, RefusedByName) {
  const std::pair<std::string, std::string> chats[] = {{"tools", R"([{"type":"function"}])"},
                                                       {"format", R"("json")"},
                                                       {"format", R"({"type":"object"})"},
                                                       {"shift", "true"},
                                                       {"_debug_render_only", "true"}};
  for (const auto& [name, value] : chats) {
    const Generation result =
        read_chat("{\"messages\":[{\"role\":\"user\"}],\"" + name + "\":" + value + "}");
    ASSERT_TRUE(std::holds_alternative<Fault>(result)) << name;
    EXPECT_EQ(std::get<Fault>(result).param, name);
    EXPECT_EQ(std::get<Fault>(result).kind, Fault::Kind::kUnsupported);
  }
  const std::pair<std::string, std::string> generates[] = {{"template", R"("{{ .Prompt }}")"},
                                                           {"suffix", R"("}")"},
                                                           {"images", R"(["aGk="])"},
                                                           {"context", "[1,2,3]"},
                                                           {"format", "\"json\""},
                                                           {"shift", "true"}};
  for (const auto& [name, value] : generates) {
    const Generation result = generate(",\"" + name + "\":" + value);
    ASSERT_TRUE(std::holds_alternative<Fault>(result)) << name;
    EXPECT_EQ(std::get<Fault>(result).param, name);
    EXPECT_EQ(std::get<Fault>(result).kind, Fault::Kind::kUnsupported);
  }
}

TEST(OllamaRequest, WhatClientsWriteForNothing) {
  chat(R"(,"tools":[],"format":"","options":{},"think":null,"keep_alive":null,"shift":false)");
  asked(generate(R"(,"template":"","system":"","suffix":"","images":[],"context":[],"raw":false,
                    "format":null,"options":null)"));
}

TEST(OllamaRequest, GenerateIsAConversationUnlessRaw) {
  const Asked cooked = asked(generate(R"(,"system":"Be brief.","stream":false)"));
  EXPECT_FALSE(cooked.reply->streams());
  EXPECT_EQ(message(cooked, 0).role, "system");
  EXPECT_EQ(message(cooked, 0).content, "Be brief.");
  EXPECT_EQ(message(cooked, 1).role, "user");
  EXPECT_EQ(message(cooked, 1).content, "Hi");
  const Asked raw = asked(generate(R"(,"raw":true)"));
  EXPECT_EQ(std::get<PlainText>(raw.completion.prompts.at(0)).text, "Hi");
  EXPECT_TRUE(std::get<PlainText>(raw.completion.prompts.at(0)).special);
  EXPECT_EQ(fault_text(generate(R"(,"raw":true,"system":"x")")),
            "system and raw exclude each other");
}

TEST(OllamaRequest, History) {
  const Asked history = asked(read_chat(
      R"({"name":"m","messages":[
          {"role":"System","content":"s"},
          {"role":"USER","content":"u","images":[]},
          {"role":"assistant","content":"","thinking":"hm","tool_calls":[{"id":"c1","function":
            {"index":0,"name":"get_weather","arguments":{"city":"Paris","at":[1]}}}]},
          {"role":"tool","tool_name":"get_weather","tool_call_id":"c1","content":"11C"}]})"));
  EXPECT_EQ(history.completion.model, "m");
  EXPECT_EQ(message(history, 0).role, "system");
  EXPECT_EQ(message(history, 1).role, "user");
  EXPECT_EQ(boost::json::serialize(message(history, 2).extra),
            R"({"reasoning_content":"hm","tool_calls":[{"type":"function","function":)"
            R"({"name":"get_weather","arguments":{"city":"Paris","at":[1]}},"id":"c1"}]})");
  EXPECT_EQ(boost::json::serialize(message(history, 3).extra),
            R"({"name":"get_weather","tool_call_id":"c1"})");
}

TEST(OllamaRequest, BadMessagesAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {R"([{"content":"x"}])", "messages[0].role"},
      {R"([{"role":"narrator"}])", "messages[0].role"},
      {R"([{"role":1}])", "messages[0].role"},
      {R"([{"role":"user"},null])", "messages[1]"},
      {R"([7])", "messages[0]"},
      {R"({})", "messages"},
      {R"([{"role":"user","content":[]}])", "messages[0].content"},
      {R"([{"role":"user","images":["aGk="]}])", "messages[0].images"},
      {R"([{"role":"user"},{"role":"assistant","content":"The"}])", "messages[1]"},
      {R"([{"role":"assistant","tool_calls":[{}]}])", "messages[0].tool_calls[0].function"},
      {R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}])",
       "messages[0].tool_calls[0].function.arguments"}};
  for (const auto& [messages, param] : cases) {
    const Generation result = read_chat("{\"messages\":" + messages + "}");
    ASSERT_TRUE(std::holds_alternative<Fault>(result)) << messages;
    EXPECT_EQ(std::get<Fault>(result).param, param);
  }
}

TEST(OllamaRequest, Think) {
  EXPECT_EQ(chat(R"(,"think":true)").completion.think, true);
  EXPECT_EQ(chat(R"(,"think":false)").completion.think, false);
  const Asked hard = chat(R"(,"think":"high")");
  EXPECT_EQ(hard.completion.think, true);
  EXPECT_EQ(std::get<Conversation>(hard.completion.prompts[0]).render.extra.at("reasoning_effort"),
            "high");
  EXPECT_EQ(fault_text(generate(R"(,"think":"hard")")),
            "think is \"hard\"; it must be one of: low, medium, high, max");
  EXPECT_EQ(fault_text(generate(R"(,"think":1)")), "think is a number; it must be true or false");
}

TEST(OllamaRequest, KeepAlive) {
  const auto keep = [](std::string_view value) {
    return chat(",\"keep_alive\":" + std::string(value)).completion.keep_alive;
  };
  EXPECT_EQ(keep("300"), 300s);
  EXPECT_EQ(keep("0.5"), 500ms);
  EXPECT_EQ(keep("\"5m\""), 5min);
  EXPECT_EQ(keep("\"1h30m\""), 90min);
  EXPECT_EQ(keep("0"), 0ms);
  EXPECT_EQ(keep("\"0\""), 0ms);
  EXPECT_EQ(keep("\"1ns\""), 1ms);
  EXPECT_EQ(keep("-1"), -1ms);
  EXPECT_EQ(keep("-1e300"), -1ms);
  EXPECT_EQ(keep("\"-1m\""), -1ms);
  for (const char* bad : {"\"-1\"", "\"5 minutes\"", "\"\"", "true", "[]", "1e300", "\"5d\""}) {
    const Generation result = generate(",\"keep_alive\":" + std::string(bad));
    ASSERT_TRUE(std::holds_alternative<Fault>(result)) << bad;
    EXPECT_EQ(std::get<Fault>(result).param, "keep_alive");
  }
}

TEST(OllamaRequest, NoPromptLoadsOrUnloads) {
  const Generation load = read_generate(R"({"model":"m"})");
  ASSERT_TRUE(std::holds_alternative<Preload>(load));
  EXPECT_EQ(std::get<Preload>(load).model, "m");
  EXPECT_EQ(std::get<Preload>(load).route, Route::kGenerate);
  EXPECT_FALSE(std::get<Preload>(load).keep_alive);
  const Generation kept = read_chat(R"({"model":"m","messages":[],"keep_alive":"-1m"})");
  ASSERT_TRUE(std::holds_alternative<Preload>(kept));
  EXPECT_EQ(std::get<Preload>(kept).keep_alive, -1ms);
  EXPECT_EQ(std::get<Preload>(kept).route, Route::kChat);
  for (const Generation& result : {read_generate(R"({"model":"m","prompt":"","keep_alive":0})"),
                                   read_chat(R"({"model":"m","messages":[],"keep_alive":"0s"})")}) {
    ASSERT_TRUE(std::holds_alternative<Unload>(result));
    EXPECT_EQ(std::get<Unload>(result).model, "m");
  }
  EXPECT_TRUE(std::holds_alternative<Asked>(generate(R"(,"keep_alive":0)")));
}

TEST(OllamaRequest, LogprobsAndTruncate) {
  EXPECT_EQ(chat(R"(,"logprobs":true)").completion.logprobs, 0);
  EXPECT_EQ(chat(R"(,"logprobs":true,"top_logprobs":20)").completion.logprobs, 20);
  EXPECT_EQ(chat(R"(,"top_logprobs":5)").completion.logprobs, -1);
  EXPECT_EQ(fault_text(generate(R"(,"top_logprobs":21)")),
            "top_logprobs is 21; it must be a whole number from 0 to 20");
  EXPECT_TRUE(chat(R"(,"truncate":true)").completion.truncate);
  EXPECT_FALSE(chat(R"(,"truncate":false)").completion.truncate);
}

TEST(OllamaRequest, Embed) {
  const auto inputs = [](const EmbeddingAsk& ask) {
    std::vector<std::string> out;
    for (const auto& input : std::get<AskedEmbedding>(ask).embedding.inputs)
      out.push_back(std::get<std::string>(input));
    return out;
  };
  const EmbeddingAsk many = read_embed(
      R"({"model":"m","input":["a",""],"truncate":true,"dimensions":8,
          "options":{"num_ctx":5,"x":1}})");
  ASSERT_TRUE(std::holds_alternative<AskedEmbedding>(many)) << fault_text(many);
  EXPECT_EQ(inputs(many), (std::vector<std::string>{"a", ""}));
  EXPECT_TRUE(std::get<AskedEmbedding>(many).embedding.truncate);
  EXPECT_EQ(std::get<AskedEmbedding>(many).embedding.dimensions, 8);
  EXPECT_EQ(std::get<AskedEmbedding>(many).ignored, std::vector<std::string>{"options.x"});
  const EmbeddingAsk one = read_embed(R"({"input":"a"})");
  ASSERT_TRUE(std::holds_alternative<AskedEmbedding>(one)) << fault_text(one);
  EXPECT_EQ(inputs(one), std::vector<std::string>{"a"});
  EXPECT_FALSE(std::get<AskedEmbedding>(one).embedding.truncate);
  const EmbeddingAsk old = read_embeddings(R"({"prompt":"b","keep_alive":1})");
  ASSERT_TRUE(std::holds_alternative<AskedEmbedding>(old)) << fault_text(old);
  EXPECT_EQ(std::get<AskedEmbedding>(old).route, Route::kEmbeddings);
  EXPECT_EQ(inputs(old), std::vector<std::string>{"b"});
  EXPECT_EQ(std::get<AskedEmbedding>(old).embedding.keep_alive, 1s);

  EXPECT_TRUE(std::holds_alternative<Preload>(read_embed(R"({"input":""})")));
  EXPECT_TRUE(std::holds_alternative<Preload>(read_embed(R"({"input":[]})")));
  EXPECT_TRUE(std::holds_alternative<Unload>(read_embeddings(R"({"keep_alive":0})")));
  EXPECT_EQ(fault_text(read_embed(R"({"input":[1]})")),
            "input[0] is a number; it must be a string");
  EXPECT_EQ(fault_text(read_embed(R"({"input":7})")),
            "input is a number; it must be a string or an array of strings");
  EXPECT_EQ(fault_text(read_embed(R"({"input":"a","dimensions":-1})")),
            "dimensions is -1; it must be a whole number from 0 to 65536");
}

TEST(OllamaRequest, Show) {
  const auto ask = read_show(R"({"model":"m","verbose":true})");
  ASSERT_TRUE(std::holds_alternative<ShowAsk>(ask));
  EXPECT_EQ(std::get<ShowAsk>(ask).model, "m");
  EXPECT_TRUE(std::get<ShowAsk>(ask).verbose);
  EXPECT_EQ(std::get<ShowAsk>(read_show(R"({"name":"old"})")).model, "old");
  EXPECT_EQ(fault_text(read_show(R"({"model":[]})")), "model is an array; it must be a string");
}

TEST(OllamaRequest, NoBodyBreaksIt) {
  for (const char* body : {"", "[]", "7", "{", "{\"model\":}", "{\"model\":\"\xff\"}", "null"}) {
    EXPECT_NE(fault_text(read_chat(body)), "no fault") << body;
    EXPECT_NE(fault_text(read_generate(body)), "no fault") << body;
    EXPECT_NE(fault_text(read_embed(body)), "no fault") << body;
    EXPECT_NE(fault_text(read_embeddings(body)), "no fault") << body;
    EXPECT_NE(fault_text(read_show(body)), "no fault") << body;
  }
}

TEST(OllamaRequest, RoutesThatNeedTheStore) {
  const Fault fault = store_fault("/api/pull");
  EXPECT_EQ(http_status(fault.kind), 400);
  EXPECT_EQ(fault.message.find("/api/pull is not supported yet"), 0u);
}

}  // namespace
}  // namespace handmill::api::ollama
