// Every row of the table: what is as large as the limit is taken, and what is larger by one is a
// Fault that names the field.
#include "api/limits.h"

#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "api/read_check.h"

namespace handmill::api {
namespace {

namespace json = boost::json;

std::string text_of(int64_t bytes) { return std::string(static_cast<size_t>(bytes), 'x'); }

template <class Make>
json::array list_of(int64_t count, Make make) {
  json::array array;
  for (int64_t i = 0; i < count; ++i) array.emplace_back(make(i));
  return array;
}

json::array one_message(json::object message) {
  return list_of(1, [&](int64_t) { return message; });
}
json::object user(json::value content) {
  return {{"role", "user"}, {"content", std::move(content)}};
}

/// A body whose limited thing has this size.
struct Probe {
  std::string_view endpoint, field;
  std::function<json::value(int64_t)> make;
  std::string_view param;  // where it is not the field
};

json::value text_value(int64_t n) { return json::value(text_of(n)); }
json::value numbers(int64_t n) {
  return list_of(n, [](int64_t) { return 1; });
}
json::value same(int64_t n) { return n; }
json::value words(int64_t n) {
  return list_of(n, [](int64_t) { return "text"; });
}
json::value messages(int64_t n) {
  return list_of(n, [](int64_t) { return user("x"); });
}
json::value part_messages(int64_t n) {
  return one_message(
      user(list_of(n, [](int64_t) { return json::object{{"type", "text"}, {"text", "x"}}; })));
}
json::value role_message(int64_t n) {
  return one_message(
      user(list_of(1, [n](int64_t) { return json::object{{"type", text_of(n)}, {"text", "x"}}; })));
}
json::value named_message(int64_t n) {
  json::object message = user("x");
  message["name"] = text_of(n);
  return one_message(message);
}
json::value calling_message(int64_t n) {
  return one_message({{"role", "assistant"},
                      {"tool_calls", list_of(n, [](int64_t) {
                         return json::object{{"id", "1"},
                                             {"function", {{"name", "f"}, {"arguments", "{}"}}}};
                       })}});
}
json::value variables(int64_t n) {
  json::object object;
  for (int64_t i = 0; i < n; ++i) object[fmt::format("v{}", i)] = 1;
  return object;
}
json::value biases(int64_t n) {
  json::object object;
  for (int64_t i = 0; i < n; ++i) object[fmt::format("{}", i)] = 1;
  return object;
}
json::value texts(int64_t n) {
  return list_of(n, [](int64_t) { return "x"; });
}

const std::map<std::string_view, Probe>& probes() {
  static const std::map<std::string_view, Probe> map = {
      {"model_bytes", {"chat", "model", text_value, {}}},
      {"messages", {"chat", "messages", messages, {}}},
      {"content_parts", {"chat", "messages", part_messages, "messages[0].content"}},
      {"words", {"chat", "modalities", words, {}}},
      {"name_bytes", {"chat", "messages", named_message, "messages[0].name"}},
      {"text_bytes", {"completions", "prompt", text_value, {}}},
      {"tool_calls", {"chat", "messages", calling_message, "messages[0].tool_calls"}},
      {"template_fields", {"chat", "chat_template_kwargs", variables, {}}},
      {"prompts", {"completions", "prompt", texts, {}}},
      {"tokens", {"completions", "prompt", numbers, {}}},
      {"token_id", {"detokenize", "tokens", [](int64_t n) { return json::array{n}; }, "tokens[0]"}},
      {"inputs", {"embeddings", "input", texts, {}}},
      {"n", {"chat", "n", same, {}}},
      {"max_tokens", {"chat", "max_tokens", same, {}}},
      {"context", {"chat", "num_ctx", same, {}}},
      {"stop", {"chat", "stop", texts, {}}},
      {"stop_bytes", {"chat", "stop", text_value, {}}},
      {"logit_bias", {"chat", "logit_bias", biases, {}}},
      {"top_logprobs", {"completions", "logprobs", same, {}}},
      {"top_k", {"chat", "top_k", same, {}}},
      {"penalty_last_n", {"chat", "repeat_last_n", same, {}}},
      {"priority", {"chat", "priority", same, {}}},
      {"dimensions", {"embeddings", "dimensions", same, {}}},
  };
  return map;
}

/// Limits that have a test of their own below.
const std::set<std::string_view> kApart = {"body_bytes", "nesting", "role_bytes", "sequences"};

class Limits : public testing::TestWithParam<Limit> {};

TEST_P(Limits, Holds) {
  const Limit& limit = GetParam();
  if (kApart.contains(limit.name)) return;
  ASSERT_TRUE(probes().contains(limit.name)) << "no test of this limit";
  const Probe& probe = probes().at(limit.name);
  const Endpoint& endpoint = endpoint_named(probe.endpoint);
  const auto taken = fault_with(endpoint, probe.field, probe.make(limit.value));
  EXPECT_FALSE(taken) << taken->message;
  const auto fault = fault_with(endpoint, probe.field, probe.make(limit.value + 1));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->param, probe.param.empty() ? probe.field : probe.param);
  EXPECT_NE(fault->message.find(fmt::format("{}", limit.value)), std::string::npos)
      << fault->message;
}

INSTANTIATE_TEST_SUITE_P(All, Limits, testing::ValuesIn(kLimits),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(LimitsApart, BodyBytes) {
  const auto padded = [](int64_t size) {
    std::string text = "{}";
    text.resize(static_cast<size_t>(size), ' ');
    return fault_of(parse_body(text));
  };
  EXPECT_FALSE(padded(kBodyBytesMax.value));
  const auto fault = padded(kBodyBytesMax.value + 1);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::kTooLarge);
}

TEST(LimitsApart, Nesting) {
  const auto nested = [](int64_t levels) {
    const auto inner = static_cast<size_t>(levels - 1);
    return fault_of(
        parse_body("{\"a\":" + std::string(inner, '[') + std::string(inner, ']') + "}"));
  };
  EXPECT_FALSE(nested(kNestingMax.value));
  const auto fault = nested(kNestingMax.value + 1);
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->message.find("64 levels"), std::string::npos) << fault->message;
}

/// A type that is short enough is looked up and quoted; a longer one is not read at all.
TEST(LimitsApart, RoleBytes) {
  const Endpoint& chat = endpoint_named("chat");
  const auto known = fault_with(chat, "messages", role_message(kRoleBytesMax.value));
  const auto longer = fault_with(chat, "messages", role_message(kRoleBytesMax.value + 1));
  ASSERT_TRUE(known && longer);
  EXPECT_EQ(known->kind, Fault::Kind::kUnsupported);
  EXPECT_EQ(longer->message, "messages[0].content[0].type has 65 bytes; at most 64 are taken");
}

TEST(LimitsApart, Sequences) {
  json::object body{{"prompt", texts(kSequencesMax.value / 16)}, {"n", 16}};
  EXPECT_FALSE(fault_of(read_openai_completion(body)));
  body["prompt"] = texts(kSequencesMax.value / 16 + 1);
  const auto fault = fault_of(read_openai_completion(body));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->param, "n");
  EXPECT_EQ(fault->message, "n is 16 for 17 prompts, which are 272 answers; at most 256 are given");
}

TEST(LimitsApart, TokensOfAllPromptsTogether) {
  const int64_t half = kTokensMax.value / 2;
  json::object body{{"prompt", json::array{numbers(half), numbers(half)}}};
  EXPECT_FALSE(fault_of(read_openai_completion(body)));
  body["prompt"] = json::array{numbers(half), numbers(half), numbers(1)};
  EXPECT_EQ(fault_of(read_openai_completion(body)).value_or(Fault()).param, "prompt");
  body = {{"input", body["prompt"]}};
  EXPECT_EQ(fault_of(read_openai_embedding(body)).value_or(Fault()).param, "input");
}

TEST(LimitsApart, AreInTheDocumentation) {
  std::ifstream file(HANDMILL_SOURCE_DIR "/docs/API.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  for (const Limit& limit : kLimits) {
    const std::string row =
        fmt::format("| `{}` | {} | {} |\n", limit.name, limit.value, limit.meaning);
    EXPECT_NE(page.find(row), std::string::npos) << row;
  }
}

TEST(LimitsApart, NamesAreOneEach) {
  std::set<std::string_view> names;
  for (const Limit& limit : kLimits) EXPECT_TRUE(names.insert(limit.name).second) << limit.name;
  for (std::string_view apart : kApart) EXPECT_TRUE(names.contains(apart)) << apart;
}

}  // namespace
}  // namespace handmill::api
