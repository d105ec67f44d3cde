// Whatever would change the answer and is not to be had is refused by its name; what changes
// nothing is passed over, and said.
#include <algorithm>

#include "api/read_check.h"

namespace handmill::api {
namespace {

struct Refused {
  std::string_view endpoint, field, value;
  std::string_view param;  // where it is not the field
};

const Refused kRefused[] = {
    {"chat", "tools", R"([{"type":"function","function":{"name":"f"}}])", {}},
    {"chat", "tool_choice", R"("required")", {}},
    {"chat", "tool_choice", R"({"type":"function","function":{"name":"f"}})", {}},
    {"chat", "functions", R"([{"name":"f"}])", {}},
    {"chat", "function_call", R"({"name":"f"})", {}},
    {"chat", "response_format", R"({"type":"json_object"})", "response_format.type"},
    {"chat", "response_format", R"({"type":"json_schema","json_schema":{"name":"x"}})",
     "response_format.type"},
    {"chat", "modalities", R"(["text","audio"])", "modalities[1]"},
    {"chat", "audio", R"({"voice":"alloy","format":"wav"})", {}},
    {"chat", "prediction", R"({"type":"content","content":"x"})", {}},
    {"chat", "web_search_options", "{}", {}},
    {"chat", "grammar", R"("root ::= \"x\"")", {}},
    {"chat", "json_schema", R"({"type":"object"})", {}},
    {"chat", "guided_json", R"({"type":"object"})", {}},
    {"chat", "guided_regex", R"("x*")", {}},
    {"chat", "guided_choice", R"(["a"])", {}},
    {"chat", "guided_grammar", R"("x")", {}},
    {"chat", "structured_outputs", R"({"choice":["a"]})", {}},
    {"chat", "structural_tag", R"({"a":1})", {}},
    {"chat", "use_beam_search", "true", {}},
    {"chat", "stop_token_ids", "[2]", {}},
    {"chat", "bad_words", R"(["x"])", {}},
    {"chat", "allowed_token_ids", "[2]", {}},
    {"chat", "samplers", R"(["top_k"])", {}},
    {"chat", "logits_processors", R"(["x"])", {}},
    {"chat", "post_sampling_probs", "true", {}},
    {"chat", "n_probs", "3", {}},
    {"chat", "dry_multiplier", "0.8", {}},
    {"chat", "xtc_probability", "0.5", {}},
    {"chat", "dynatemp_range", "0.5", {}},
    {"chat", "top_n_sigma", "1", {}},
    {"chat", "min_tokens", "5", {}},
    {"chat", "length_penalty", "1.5", {}},
    {"chat", "top_a", "0.5", {}},
    {"chat", "smoothing_factor", "0.5", {}},
    {"chat", "mirostat", "1", {}},
    {"chat", "truncate_prompt_tokens", "5", {}},
    {"chat", "prompt_embeds", R"("AAAA")", {}},
    {"chat", "lora", R"([{"id":0,"scale":1}])", {}},
    {"chat", "prompt_logprobs", "1", {}},
    {"chat", "return_token_ids", "true", {}},
    {"chat", "return_tokens_as_token_ids", "true", {}},
    {"chat", "chat_template", R"("{{ x }}")", {}},
    {"chat", "documents", R"([{"text":"x"}])", {}},
    {"chat", "continue_final_message", "true", {}},
    {"chat", "mm_processor_kwargs", R"({"a":1})", {}},
    {"chat", "echo", "true", {}},
    {"chat", "include_stop_str_in_output", "true", {}},
    {"chat", "thinking_budget", "100", {}},
    {"chat", "thinking_token_budget", "100", {}},
    {"chat", "reasoning_budget", "100", {}},
    {"chat", "stream_options", R"({"continuous_usage_stats":true})",
     "stream_options.continuous_usage_stats"},
    {"completions", "suffix", R"("}")", {}},
    {"completions", "best_of", "4", {}},
    {"completions", "grammar", R"("x")", {}},
    {"completions", "response_format", R"({"type":"json_object"})", {}},
    {"completions", "include_stop_str_in_output", "true", {}},
    {"completions", "stream_options", R"({"continuous_usage_stats":true})",
     "stream_options.continuous_usage_stats"},
    {"responses", "previous_response_id", R"("resp_1")", {}},
    {"responses", "conversation", R"("conv_1")", {}},
    {"responses", "prompt", R"({"id":"pmpt_1"})", {}},
    {"responses", "background", "true", {}},
    {"responses", "tools", R"([{"type":"web_search"}])", {}},
    {"responses", "tool_choice", R"("required")", {}},
    {"responses", "tool_choice", R"({"type":"function","name":"f"})", {}},
    {"responses", "text", R"({"format":{"type":"json_schema"}})", "text.format.type"},
    {"responses", "top_logprobs", "3", {}},
    {"responses", "include", R"(["message.output_text.logprobs"])", "include[0]"},
    {"responses", "n", "2", {}},
    {"responses", "input", R"([{"type":"function_call","name":"f"}])", "input[0].type"},
    {"responses", "input", R"([{"type":"item_reference","id":"x"}])", "input[0].type"},
    {"responses", "input", R"([{"role":"user","content":[{"type":"input_image"}]}])",
     "input[0].content[0].type"},
    {"embeddings", "truncate_prompt_tokens", "5", {}},
    {"embeddings", "messages", R"([{"role":"user","content":"x"}])", {}},
    {"embeddings", "normalize", "true", {}},
    {"embeddings", "embed_dtype", R"("float16")", {}},
    {"apply-template", "tools", R"([{"type":"function"}])", {}},
    {"apply-template", "chat_template", R"("x")", {}},
};

TEST(OpenAiRefused, ByName) {
  for (const Refused& row : kRefused) {
    const auto fault = fault_with(endpoint_named(row.endpoint), row.field,
                                  boost::json::parse(boost::json::string_view(row.value)));
    ASSERT_TRUE(fault) << row.endpoint << " took " << row.field << " = " << row.value;
    EXPECT_EQ(fault->param, row.param.empty() ? row.field : row.param);
    EXPECT_EQ(fault->kind, Fault::Kind::kUnsupported) << row.field << ": " << fault->message;
    EXPECT_EQ(fault->message.rfind(fault->param, 0), 0u) << fault->message;
  }
}

/// What says "not this" is no reason to refuse.
TEST(OpenAiRefused, NotWhereItIsNeutral) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"tools", "[]"},
      {"tools", "null"},
      {"tool_choice", "\"none\""},
      {"tool_choice", "\"auto\""},
      {"functions", "[]"},
      {"function_call", "\"none\""},
      {"modalities", "[\"text\"]"},
      {"response_format", "{\"type\":\"text\"}"},
      {"response_format", "null"},
      {"grammar", "\"\""},
      {"use_beam_search", "false"},
      {"dry_multiplier", "0"},
      {"xtc_probability", "0"},
      {"dynatemp_range", "0.0"},
      {"top_n_sigma", "-1"},
      {"min_tokens", "0"},
      {"length_penalty", "1.0"},
      {"audio", "null"},
      {"n_probs", "0"},
      {"continue_final_message", "false"},
      {"stop", "null"},
      {"stop", "[]"},
      {"stop", "\"\""},
      {"logit_bias", "{}"},
      {"logit_bias", "null"},
      {"stream_options", "null"},
  };
  for (const auto& [field, value] : rows) {
    const auto fault = fault_with(endpoint_named("chat"), field,
                                  boost::json::parse(boost::json::string_view(value)));
    EXPECT_FALSE(fault) << field << " = " << value << ": " << fault->message;
  }
}

TEST(OpenAiRefused, OthersArePassedOverAndSaid) {
  boost::json::object body = object_of(
      R"({"messages":[{"role":"user","content":"Hi"}],"user":"me","metadata":{"a":"b"},
          "store":false,"service_tier":"auto","parallel_tool_calls":true,"anything":{"x":[1]}})");
  const Asked asked = good(read_openai_chat(body));
  for (const char* name :
       {"user", "metadata", "store", "service_tier", "parallel_tool_calls", "anything"})
    EXPECT_NE(std::find(asked.ignored.begin(), asked.ignored.end(), name), asked.ignored.end())
        << name;
  EXPECT_EQ(asked.ignored.size(), 6u);
}

/// Texts, flags and lists of the wrong type, on every endpoint that knows the field.
TEST(OpenAiRefused, WrongTypesAreFaultsThatNameTheField) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"chat", "model"},
      {"chat", "messages"},
      {"chat", "stream"},
      {"chat", "logprobs"},
      {"chat", "stop"},
      {"chat", "logit_bias"},
      {"chat", "stream_options"},
      {"chat", "response_format"},
      {"chat", "ignore_eos"},
      {"chat", "chat_template_kwargs"},
      {"chat", "reasoning_effort"},
      {"chat", "enable_thinking"},
      {"chat", "thinking"},
      {"chat", "reasoning"},
      {"chat", "tool_choice"},
      {"chat", "modalities"},
      {"completions", "model"},
      {"completions", "prompt"},
      {"completions", "echo"},
      {"completions", "stream"},
      {"completions", "stop"},
      {"completions", "stream_options"},
      {"completions", "ignore_eos"},
      {"responses", "model"},
      {"responses", "input"},
      {"responses", "instructions"},
      {"responses", "reasoning"},
      {"responses", "stream"},
      {"responses", "text"},
      {"responses", "truncation"},
      {"responses", "metadata"},
      {"responses", "include"},
      {"responses", "tool_choice"},
      {"embeddings", "model"},
      {"embeddings", "input"},
      {"embeddings", "encoding_format"},
      {"tokenize", "model"},
      {"tokenize", "content"},
      {"tokenize", "add_special"},
      {"tokenize", "with_pieces"},
      {"tokenize", "parse_special"},
      {"detokenize", "tokens"},
      {"detokenize", "model"},
      {"apply-template", "messages"},
      {"apply-template", "add_generation_prompt"},
  };
  for (const auto& [endpoint, field] : rows) {
    const auto fault = fault_with(endpoint_named(endpoint), field, 12345);
    ASSERT_TRUE(fault) << endpoint << " took " << field;
    EXPECT_EQ(fault->param, field) << fault->message;
    EXPECT_EQ(fault->kind, Fault::Kind::kInvalid) << fault->message;
  }
}

TEST(OpenAiRefused, MissingIsSaid) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"chat", "messages"},    {"completions", "prompt"}, {"responses", "input"},
      {"embeddings", "input"}, {"detokenize", "tokens"},  {"apply-template", "messages"},
      {"tokenize", "content"},
  };
  for (const auto& [name, field] : rows) {
    for (const char* text : {"absent", "null", "[]"}) {
      if (name == "tokenize" || name == "detokenize") {
        if (text == std::string_view("[]")) continue;
      }
      boost::json::object body;
      if (text != std::string_view("absent")) body[field] = boost::json::parse(text);
      const auto fault = endpoint_named(name).read(body);
      ASSERT_TRUE(fault) << name << " " << text;
      EXPECT_EQ(fault->param, field);
    }
  }
}

}  // namespace
}  // namespace handmill::api
