// The bytes of chat and text completions, whole and streamed.
#include "api/openai_reply.h"

#include <cmath>

#include "api/read_check.h"

namespace handmill::api {
namespace {

constexpr std::string_view kChunk =
    R"(data: {"id":"chatcmpl-7","object":"chat.completion.chunk","created":1700000000,)"
    R"("model":"smol","system_fingerprint":"handmill-1.2","choices":)";
constexpr std::string_view kChat =
    R"({"id":"chatcmpl-7","object":"chat.completion","created":1700000000,"model":"smol",)"
    R"("system_fingerprint":"handmill-1.2","choices":)";
constexpr std::string_view kText =
    R"({"id":"cmpl-7","object":"text_completion","created":1700000000,"model":"smol",)"
    R"("system_fingerprint":"handmill-1.2","choices":)";

std::unique_ptr<Reply> chat_reply(const std::string& fields) {
  return good(read_openai_chat(
                  object_of(R"({"messages":[{"role":"user","content":"Hi"}])" + fields + "}")))
      .reply;
}
std::unique_ptr<Reply> text_reply(const std::string& fields) {
  return good(read_openai_completion(object_of(R"({"prompt":"Hi")" + fields + "}"))).reply;
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += part;
  return text;
}

Delta piece(int choice, std::string content, std::string reasoning = {}) {
  return {choice, std::move(content), std::move(reasoning), {}};
}

TEST(ChatReply, Whole) {
  EXPECT_EQ(told(*chat_reply(""), {piece(0, "Hel"), piece(0, "lo")}, {{0, Finish::kStop, "", {}}}),
            joined({kChat,
                    R"([{"index":0,"message":{"role":"assistant","content":"Hello",)"
                    R"("refusal":null},"logprobs":null,"finish_reason":"stop"}],)",
                    kSomeUsage, ",", kSomeTimings, "}"}));
}

TEST(ChatReply, TellsTheSharesOfTheRoofsThatAreKnown) {
  const auto timings = [](const Roofs& roofs) {
    End end = some_end();
    end.timings.roofs = roofs;
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    write_timings(json, end.usage, end.timings);
    json.end_object();
    return out;
  };
  const std::string known = std::string(kSomeTimings.substr(0, kSomeTimings.size() - 1));
  EXPECT_EQ(timings({}), joined({"{", kSomeTimings, "}"}));
  EXPECT_EQ(timings({{}, RoofShares{"memory", 0.75, 0.125, 0.0625, 0.03125, 0.03125}}),
            joined({"{", known,
                    R"(,"roof":{"decode":{"limit":"memory","of_roof":0.75,"kernels":0.125,)"
                    R"("attention":0.0625,"layers":0.03125,"other":0.03125}}}})"}));
  const std::string both = timings({RoofShares{"arithmetic", 0.5}, RoofShares{"memory", 0.5}});
  EXPECT_NE(both.find(R"("roof":{"prefill":{"limit":"arithmetic","of_roof":0.5,)"),
            std::string::npos);
  EXPECT_NE(both.find(R"(},"decode":{"limit":"memory")"), std::string::npos);
}

TEST(ChatReply, WholeWithThoughtsAndSeveralChoices) {
  const std::string text =
      told(*chat_reply(R"(,"n":2)"), {piece(1, "B"), piece(0, "", "hm"), piece(0, "A")},
           {{1, Finish::kLength, "", {}}, {0, Finish::kContext, "", {}}});
  EXPECT_EQ(text, joined({kChat,
                          R"([{"index":0,"message":{"role":"assistant","content":"A",)"
                          R"("reasoning_content":"hm","refusal":null},"logprobs":null,)"
                          R"("finish_reason":"length"},{"index":1,"message":)"
                          R"({"role":"assistant","content":"B","refusal":null},)"
                          R"("logprobs":null,"finish_reason":"length"}],)",
                          kSomeUsage, ",", kSomeTimings, "}"}));
}

TEST(ChatReply, Stream) {
  const std::unique_ptr<Reply> reply = chat_reply(R"(,"stream":true)");
  EXPECT_EQ(reply->content_type(), "text/event-stream");
  EXPECT_EQ(reply->ping(), ": keep-alive\n\n");
  EXPECT_EQ(
      told(*reply, {piece(0, "", "hm"), piece(0, "Hi")}, {{0, Finish::kStop, "x", {}}}),
      joined({kChunk,
              R"([{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,)"
              R"("finish_reason":null}]})",
              "\n\n", kChunk,
              R"([{"index":0,"delta":{"reasoning_content":"hm"},"logprobs":null,)"
              R"("finish_reason":null}]})",
              "\n\n", kChunk,
              R"([{"index":0,"delta":{"content":"Hi"},"logprobs":null,"finish_reason":null}]})",
              "\n\n", kChunk, R"([{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],)",
              kSomeTimings, "}\n\ndata: [DONE]\n\n"}));
}

TEST(ChatReply, StreamWithUsage) {
  const std::string text = told(
      *chat_reply(R"(,"n":2,"stream":true,"stream_options":{"include_usage":true})"),
      {piece(1, "B"), piece(0, "A")}, {{1, Finish::kStop, "", {}}, {0, Finish::kStop, "", {}}});
  const std::string end =
      joined({kChunk, "[],", kSomeUsage, ",", kSomeTimings, "}\n\ndata: [DONE]\n\n"});
  ASSERT_GT(text.size(), end.size());
  EXPECT_EQ(text.substr(text.size() - end.size()), end);
  // Every chunk but the last says that its usage is still to come, and each choice opens and ends.
  size_t nulls = 0, ends = 0, opens = 0;
  for (size_t at = 0; (at = text.find(R"("usage":null)", at)) != std::string::npos; ++at) ++nulls;
  for (size_t at = 0; (at = text.find(R"("finish_reason":"stop")", at)) != std::string::npos; ++at)
    ++ends;
  for (size_t at = 0; (at = text.find(R"("role":"assistant")", at)) != std::string::npos; ++at)
    ++opens;
  EXPECT_EQ(nulls, 6u);
  EXPECT_EQ(ends, 2u);
  EXPECT_EQ(opens, 2u);
}

/// A choice that ends is told at once; only the very last end waits for the timings.
TEST(ChatReply, StreamTellsEachEndAtOnce) {
  const std::unique_ptr<Reply> reply = chat_reply(R"(,"n":2,"stream":true)");
  std::string out;
  reply->begin(some_identity(), {}, out);
  out.clear();
  reply->end({1, Finish::kLength, "", {}}, out);
  EXPECT_NE(out.find(R"([{"index":1,"delta":{},"logprobs":null,"finish_reason":"length"}]})"),
            std::string::npos)
      << out;
  out.clear();
  reply->end({0, Finish::kStop, "", {}}, out);
  EXPECT_EQ(out, "");
  reply->finish(some_end(), out);
  EXPECT_NE(out.find(joined({R"([{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],)",
                             kSomeTimings})),
            std::string::npos)
      << out;
}

TEST(ChatReply, FailsInTheMidst) {
  const std::unique_ptr<Reply> reply = chat_reply(R"(,"stream":true)");
  std::string out;
  reply->begin(some_identity(), {}, out);
  out.clear();
  reply->fail({Fault::Kind::kInternal, "broken"}, out);
  EXPECT_EQ(out, R"(data: {"error":{"message":"broken","type":"server_error","param":null,)"
                 R"("code":"internal_error"}})"
                 "\n\n");
}

TEST(ChatReply, LogprobsHaveExactBytes) {
  Delta delta = piece(0, "");
  delta.logprobs = {{{5, "\xe4\xb8", -0.5f}, {{5, "\xe4\xb8", -0.5f}, {6, "a\"", -INFINITY}}}};
  const std::string text = told(*chat_reply(R"(,"logprobs":true,"top_logprobs":2)"), {delta},
                                {{0, Finish::kStop, "", {}}});
  EXPECT_NE(text.find(R"("logprobs":{"content":[{"token":")"
                      "\uFFFD"
                      R"(","logprob":-0.5,"bytes":[228,184],"top_logprobs":[{"token":")"
                      "\uFFFD"
                      R"(","logprob":-0.5,"bytes":[228,184]},{"token":"a\"","logprob":-9999,)"
                      R"("bytes":[97,34]}]}],"refusal":null})"),
            std::string::npos)
      << text;
  // In a stream, a piece without text carries them too.
  const std::string stream =
      told(*chat_reply(R"(,"logprobs":true,"stream":true)"), {delta}, {{0, Finish::kStop, "", {}}});
  EXPECT_NE(stream.find(R"("delta":{"content":""},"logprobs":{"content":[{"token":)"),
            std::string::npos)
      << stream;
}

TEST(TextReply, Whole) {
  EXPECT_EQ(told(*text_reply(""), {piece(0, "A"), piece(0, "B")}, {{0, Finish::kLength, "", {}}}),
            joined({kText, R"([{"index":0,"text":"AB","logprobs":null,"finish_reason":"length"}],)",
                    kSomeUsage, ",", kSomeTimings, "}"}));
}

TEST(TextReply, Stream) {
  const std::string head = "data: " + std::string(kText);
  EXPECT_EQ(
      told(*text_reply(R"(,"stream":true)"), {piece(0, "A")}, {{0, Finish::kStop, "", {}}}),
      joined({head, R"([{"index":0,"text":"A","logprobs":null,"finish_reason":null}]})", "\n\n",
              head, R"([{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}],)",
              kSomeTimings, "}\n\ndata: [DONE]\n\n"}));
}

/// As evaluation harnesses ask: the prompt again, with what the model thought of each token.
TEST(TextReply, EchoWithPromptLogprobs) {
  ChoiceEnd end{0, Finish::kLength, "", {}};
  end.prompt_logprobs = {{{1, "né", NAN}, {}},
                         {{2, "x", -2.0f}, {{9, "y", -0.25f}}},
                         {{3, "\xff", -0.5f}, {{3, "\xff", -0.5f}, {4, "z", -1.0f}}}};
  Delta answer = piece(0, "néx?!");
  answer.logprobs = {{{7, "!", -0.125f}, {{7, "!", -0.125f}}}};
  const std::string text =
      told(*text_reply(R"(,"echo":true,"logprobs":1,"max_tokens":1)"), {answer}, {end});
  EXPECT_NE(text.find(R"("logprobs":{"tokens":["né","x","bytes:\\xff","!"],)"
                      R"("token_logprobs":[null,-2,-0.5,-0.125],)"
                      R"("top_logprobs":[null,{"y":-0.25,"x":-2},{"bytes:\\xff":-0.5,"z":-1},)"
                      R"({"!":-0.125}],"text_offset":[0,2,3,4]})"),
            std::string::npos)
      << text;
}

TEST(TextReply, OffsetsGoOnInAStream) {
  const auto part = [](int choice, std::string text) {
    Delta delta = piece(choice, text);
    delta.logprobs = {{{1, text, -1.0f}, {}}};
    return delta;
  };
  const std::string text = told(*text_reply(R"(,"stream":true,"logprobs":0,"n":2)"),
                                {part(0, "ab"), part(1, "xyz"), part(0, "c"), part(1, "w")},
                                {{0, Finish::kStop, "", {}}, {1, Finish::kStop, "", {}}});
  for (const char* offset : {R"("text":"ab","logprobs":{"tokens":["ab"],"token_logprobs":[-1],)"
                             R"("top_logprobs":[{"ab":-1}],"text_offset":[0]})",
                             R"("text_offset":[2])", R"("text_offset":[3])"})
    EXPECT_NE(text.find(offset), std::string::npos) << offset << "\n" << text;
}

TEST(TextCompletion, PromptsInEveryForm) {
  const auto prompts = [](std::string_view text) {
    return good(read_openai_completion(object_of(fmt::format("{{\"prompt\":{}}}", text))))
        .completion.prompts;
  };
  using Tokens = std::vector<text::Token>;
  EXPECT_EQ(std::get<PlainText>(prompts("\"<|x|>\"").at(0)).text, "<|x|>");
  EXPECT_TRUE(std::get<PlainText>(prompts("\"\"").at(0)).special);
  EXPECT_EQ(prompts(R"(["a","b"])").size(), 2u);
  EXPECT_EQ(std::get<Tokens>(prompts("[1,2,3]").at(0)), (Tokens{1, 2, 3}));
  const auto lists = prompts("[[1,2],[3]]");
  EXPECT_EQ(std::get<Tokens>(lists.at(1)), Tokens{3});
  const std::pair<const char*, const char*> bad[] = {
      {"[]", "prompt"},
      {"[[]]", "prompt[0]"},
      {"[\"a\",null]", "prompt[1]"},
      {"[-1]", "prompt[0]"},
      {"[1,\"a\"]", "prompt[1]"},
      {"[[1],[-1]]", "prompt[1][0]"},
      {"[{}]", "prompt[0]"},
      {"{}", "prompt"},
      {"true", "prompt"},
      {"[2147483648]", "prompt[0]"},
      {"[1e300]", "prompt[0]"},
      {"[[[1]]]", "prompt[0][0]"},
  };
  for (const auto& [value, param] : bad) {
    const auto fault =
        fault_with(endpoint_named("completions"), "prompt", boost::json::parse(value));
    ASSERT_TRUE(fault) << value;
    EXPECT_EQ(fault->param, param) << fault->message;
  }
}

TEST(TextCompletion, PromptLogprobsComeWithEcho) {
  const auto read = [](const char* text) {
    return good(read_openai_completion(object_of(text))).completion;
  };
  const Completion both = read(R"({"prompt":"x","echo":true,"logprobs":1,"max_tokens":0})");
  EXPECT_TRUE(both.echo && both.prompt_logprobs);
  EXPECT_EQ(both.max_tokens, 0);
  EXPECT_EQ(both.logprobs, 1);
  EXPECT_FALSE(read(R"({"prompt":"x","echo":true})").prompt_logprobs);
  EXPECT_FALSE(read(R"({"prompt":"x","logprobs":1})").prompt_logprobs);
  EXPECT_EQ(read(R"({"prompt":"x"})").max_tokens, 16);
  const auto fault = fault_of(read_openai_completion(
      object_of(R"({"prompt":"x","echo":true,"logprobs":1,"stream":true})")));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->param, "echo");
}

TEST(Timings, WithoutTokensOrTimeAreZero) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_timings(json, {}, {});
  json.end_object();
  EXPECT_EQ(out, R"({"timings":{"cache_n":0,"prompt_n":0,"prompt_ms":0,"prompt_per_token_ms":0,)"
                 R"("prompt_per_second":0,"predicted_n":0,"predicted_ms":0,)"
                 R"("predicted_per_token_ms":0,"predicted_per_second":0,"queue_ms":0,"load_ms":0,)"
                 R"("ttft_ms":0}})");
}

}  // namespace
}  // namespace handmill::api
