// Every numeric field of every endpoint against what is no number in its range: a Fault that names
// the field, whatever stands there.
#include <limits>

#include "api/read_check.h"

namespace handmill::api {
namespace {

struct Number {
  std::string_view endpoint, field;
  double low, high;
  bool whole = false;
};

constexpr double kMost = 1 << 24;

const Number kNumbers[] = {
    {"chat", "temperature", 0, 100},
    {"chat", "top_p", 0, 1},
    {"chat", "min_p", 0, 1},
    {"chat", "typical_p", 0, 1},
    {"chat", "presence_penalty", -100, 100},
    {"chat", "frequency_penalty", -100, 100},
    {"chat", "repeat_penalty", 0.01, 100},
    {"chat", "repetition_penalty", 0.01, 100},
    {"chat", "mirostat_tau", 0, 40},
    {"chat", "mirostat_eta", 0, 1},
    {"chat", "mirostat", 0, 2, true},
    {"chat", "top_k", -1, kMost, true},
    {"chat", "repeat_last_n", -1, kMost, true},
    {"chat", "n", 1, 16, true},
    {"chat", "max_tokens", -1, kMost, true},
    {"chat", "max_completion_tokens", -1, kMost, true},
    {"chat", "num_ctx", 1, kMost, true},
    {"chat", "priority", -1e6, 1e6, true},
    {"chat", "seed", -9223372036854775808.0, 9223372036854774784.0, true},
    {"completions", "temperature", 0, 100},
    {"completions", "top_p", 0, 1},
    {"completions", "max_tokens", -1, kMost, true},
    {"completions", "logprobs", 0, 20, true},
    {"completions", "n", 1, 16, true},
    {"completions", "num_ctx", 1, kMost, true},
    {"responses", "temperature", 0, 100},
    {"responses", "top_p", 0, 1},
    {"responses", "max_output_tokens", 1, kMost, true},
    {"embeddings", "dimensions", 1, 65536, true},
};

void expect_fault(const Number& number, boost::json::value value) {
  const std::string shown = boost::json::serialize(value);
  const std::optional<Fault> fault =
      fault_with(endpoint_named(number.endpoint), number.field, std::move(value));
  ASSERT_TRUE(fault) << number.endpoint << " took " << number.field << " = " << shown;
  EXPECT_EQ(fault->param, number.field);
  EXPECT_EQ(http_status(fault->kind), 400);
  EXPECT_EQ(fault->message.rfind(number.field, 0), 0u) << fault->message;
}

TEST(OpenAiNumbers, OfTheWrongTypeAreFaults) {
  for (const Number& number : kNumbers)
    for (const char* text : {"\"1\"", "[]", "{}", "true", "[1]", "\"\""})
      expect_fault(number, boost::json::parse(text));
}

TEST(OpenAiNumbers, OutOfRangeAreFaults) {
  for (const Number& number : kNumbers) {
    expect_fault(number, 1e308);
    expect_fault(number, -1e308);
    if (number.field != "seed") {
      const double step = number.whole ? 1 : 1e-6;
      expect_fault(number, number.low - step);
      expect_fault(number, number.high + step);
      expect_fault(number, std::numeric_limits<int64_t>::min());
      expect_fault(number, std::numeric_limits<int64_t>::max());
    }
    expect_fault(number, std::numeric_limits<uint64_t>::max());
    if (number.whole) expect_fault(number, 1.5);
  }
}

TEST(OpenAiNumbers, AtTheEndsOfTheirRangesAreTaken) {
  for (const Number& number : kNumbers) {
    const bool both = number.field == "seed";
    for (double value : {number.low, number.high}) {
      boost::json::value json = value;
      if (both) json = static_cast<int64_t>(value);
      const auto fault = fault_with(endpoint_named(number.endpoint), number.field, json);
      EXPECT_FALSE(fault) << fault->message;
    }
  }
}

TEST(OpenAiNumbers, NullIsAsIfAbsent) {
  for (const Number& number : kNumbers)
    EXPECT_FALSE(fault_with(endpoint_named(number.endpoint), number.field, nullptr))
        << number.field;
}

/// What is taken here is never refused by the sampler.
TEST(OpenAiNumbers, AreValidToTheSampler) {
  for (const Number& number : kNumbers) {
    if (number.endpoint != "chat" || number.field == "seed") continue;
    for (double value : {number.low, number.high}) {
      boost::json::object body = object_of(endpoint_named("chat").minimal);
      body[number.field] = value;
      const Asked asked = good(read_openai_chat(body));
      const Status status = sample::validate_ranges(asked.completion.sampling);
      EXPECT_TRUE(status.ok()) << status.error().message;
    }
  }
}

TEST(OpenAiNumbers, TopLogprobsNeedsLogprobs) {
  const Endpoint& chat = endpoint_named("chat");
  for (const char* bad : {"-1", "21", "1e308", "\"1\"", "[]", "{}", "true", "5"}) {
    const auto fault = fault_with(chat, "top_logprobs", boost::json::parse(bad));
    ASSERT_TRUE(fault) << bad;
    EXPECT_EQ(fault->param, "top_logprobs");
  }
  EXPECT_FALSE(fault_with(chat, "top_logprobs", 0));
}

TEST(OpenAiNumbers, BestOfIsNOrOne) {
  const Endpoint& completions = endpoint_named("completions");
  for (const char* bad : {"0", "2", "17", "\"1\"", "[]", "{}", "true", "1e308"}) {
    const auto fault = fault_with(completions, "best_of", boost::json::parse(bad));
    ASSERT_TRUE(fault) << bad;
    EXPECT_EQ(fault->param, "best_of");
  }
  EXPECT_FALSE(fault_with(completions, "best_of", 1));
}

}  // namespace
}  // namespace handmill::api
