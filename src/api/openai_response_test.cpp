// /v1/responses: what is asked, and the response whole and told by events.
#include "api/read_check.h"

namespace handmill::api {
namespace {

Asked response(std::string_view text) { return good(read_openai_response(object_of(text))); }

const Conversation& conversation_of(const Asked& asked) {
  return std::get<Conversation>(asked.completion.prompts.at(0));
}

TEST(OpenAiResponse, ReadsInputOfEveryForm) {
  const Asked text = response(R"({"input":"Hi","instructions":"Be brief.","model":"m",
      "max_output_tokens":9,"temperature":0,"top_p":0.5,"truncation":"auto",
      "reasoning":{"effort":"none"},"text":{"format":{"type":"text"}},"store":true})");
  ASSERT_EQ(conversation_of(text).messages.size(), 2u);
  EXPECT_EQ(conversation_of(text).messages[0].role, "system");
  EXPECT_EQ(conversation_of(text).messages[0].content, "Be brief.");
  EXPECT_EQ(conversation_of(text).messages[1].role, "user");
  EXPECT_EQ(text.completion.max_tokens, 9);
  EXPECT_EQ(text.completion.think, false);
  EXPECT_TRUE(text.completion.truncate);
  EXPECT_EQ(text.completion.sampling.top_p, 0.5f);

  const Asked items = response(R"({"input":[
      {"role":"developer","content":"D"},
      {"type":"message","role":"user","content":[{"type":"input_text","text":"a"},
                                                 {"type":"input_text","text":"b"}]},
      {"type":"reasoning","id":"rs_1","summary":[]},
      {"type":"message","id":"msg_1","role":"assistant","status":"completed",
       "content":[{"type":"output_text","text":"A","annotations":[]}]}]})");
  const std::vector<chat::Message>& messages = conversation_of(items).messages;
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].role, "system");
  EXPECT_EQ(messages[1].content, "a\nb");
  EXPECT_EQ(messages[2].content, "A");
}

constexpr std::string_view kEcho =
    R"("instructions":"I","max_output_tokens":9,"model":"smol","parallel_tool_calls":true,)"
    R"("previous_response_id":null,"reasoning":{"effort":"low","summary":null},"store":false,)"
    R"("temperature":0.5,"top_p":0.95,"text":{"format":{"type":"text"}},"tool_choice":"auto",)"
    R"("tools":[],"truncation":"disabled","user":null,"metadata":{"k":"v"},)";
constexpr std::string_view kUsage =
    R"("usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},)"
    R"("output_tokens":5,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":15},)";
constexpr std::string_view kThought =
    R"({"id":"rs_7_0","type":"reasoning","status":"completed","summary":[],)"
    R"("content":[{"type":"reasoning_text","text":"hm"}]})";

std::string_view body_text() {
  return R"({"input":"Hi","instructions":"I","max_output_tokens":9,"temperature":0.5,
             "reasoning":{"effort":"low"},"metadata":{"k":"v"})";
}
std::string message_item(std::string_view status, std::string_view text) {
  return fmt::format(R"({{"id":"msg_7_1","type":"message","status":"{}","role":"assistant",)"
                     R"("content":[{{"type":"output_text","text":"{}","annotations":[],)"
                     R"("logprobs":[]}}]}})",
                     status, text);
}
std::string head(std::string_view status) {
  return fmt::format(R"({{"id":"resp_7","object":"response","created_at":1700000000,)"
                     R"("status":"{}","background":false,"error":null,)",
                     status);
}

TEST(OpenAiResponse, Whole) {
  const Asked asked = response(std::string(body_text()) + "}");
  EXPECT_EQ(
      told(*asked.reply, {{0, "", "hm", {}}, {0, "Hel", "", {}}, {0, "lo", "", {}}},
           {{0, Finish::kStop, "", {}}}),
      fmt::format(R"({}"incomplete_details":null,"output":[{},{}],{}{}{}}})", head("completed"),
                  kThought, message_item("completed", "Hello"), kEcho, kUsage, kSomeTimings));
}

TEST(OpenAiResponse, CutShortIsIncomplete) {
  const Asked asked = response(std::string(body_text()) + "}");
  EXPECT_EQ(
      told(*asked.reply, {{0, "", "hm", {}}, {0, "Hel", "", {}}}, {{0, Finish::kLength, "", {}}}),
      fmt::format(R"({}"incomplete_details":{{"reason":"max_output_tokens"}},)"
                  R"("output":[{},{}],{}{}{}}})",
                  head("incomplete"), kThought, message_item("incomplete", "Hel"), kEcho, kUsage,
                  kSomeTimings));
}

/// The types of the events in their order, after each is seen to be numbered and named alike.
std::vector<std::string> event_types(const std::string& stream) {
  std::vector<std::string> types;
  for (size_t at = 0; at < stream.size();) {
    const size_t end = stream.find("\n\n", at);
    const std::string event = stream.substr(at, end - at);
    const size_t line = event.find("\ndata: ");
    const boost::json::object data = object_of(event.substr(line + 7));
    EXPECT_EQ("event: " + std::string(data.at("type").as_string()), event.substr(0, line));
    EXPECT_EQ(data.at("sequence_number").as_int64(), static_cast<int64_t>(types.size()));
    types.emplace_back(data.at("type").as_string());
    at = end + 2;
  }
  return types;
}

TEST(OpenAiResponse, Stream) {
  const Asked asked = response(std::string(body_text()) + R"(,"stream":true})");
  EXPECT_EQ(asked.reply->content_type(), "text/event-stream");
  const std::string out =
      told(*asked.reply, {{0, "", "hm", {}}, {0, "Hel", "", {}}, {0, "lo", "", {}}},
           {{0, Finish::kStop, "", {}}});
  EXPECT_EQ(
      event_types(out),
      (std::vector<std::string>{
          "response.created", "response.in_progress", "response.output_item.added",
          "response.content_part.added", "response.reasoning_text.delta",
          "response.reasoning_text.done", "response.content_part.done", "response.output_item.done",
          "response.output_item.added", "response.content_part.added", "response.output_text.delta",
          "response.output_text.delta", "response.output_text.done", "response.content_part.done",
          "response.output_item.done", "response.completed"}));
  const std::string wanted[] = {
      fmt::format(R"("type":"response.created","sequence_number":0,"response":{})"
                  R"("incomplete_details":null,"output":[],)",
                  head("in_progress")),
      R"("sequence_number":2,"output_index":0,"item":{"id":"rs_7_0","type":"reasoning",)"
      R"("status":"in_progress","summary":[],"content":[]}})",
      R"("sequence_number":4,"item_id":"rs_7_0","output_index":0,"content_index":0,"delta":"hm"})",
      fmt::format(R"("sequence_number":7,"output_index":0,"item":{}}})", kThought),
      R"("sequence_number":9,"item_id":"msg_7_1","output_index":1,"content_index":0,"part":)"
      R"({"type":"output_text","text":"","annotations":[],"logprobs":[]}})",
      R"("sequence_number":11,"item_id":"msg_7_1","output_index":1,"content_index":0,)"
      R"("delta":"lo","logprobs":[]})",
      R"("sequence_number":12,"item_id":"msg_7_1","output_index":1,"content_index":0,)"
      R"("text":"Hello","logprobs":[]})",
      fmt::format(R"("sequence_number":14,"output_index":1,"item":{}}})",
                  message_item("completed", "Hello")),
      fmt::format(R"("sequence_number":15,"response":{}"incomplete_details":null,)"
                  R"("output":[{},{}],{}{}{}}}}})",
                  head("completed"), kThought, message_item("completed", "Hello"), kEcho, kUsage,
                  kSomeTimings),
  };
  for (const std::string& part : wanted)
    EXPECT_NE(out.find(part), std::string::npos) << part << "\n" << out;
}

TEST(OpenAiResponse, AnEmptyAnswerIsAnEmptyMessage) {
  const std::string out =
      told(*response(R"({"input":"x","stream":true})").reply, {}, {{0, Finish::kStop, "", {}}});
  EXPECT_EQ(event_types(out),
            (std::vector<std::string>{"response.created", "response.in_progress",
                                      "response.output_item.added", "response.content_part.added",
                                      "response.output_text.done", "response.content_part.done",
                                      "response.output_item.done", "response.completed"}));
}

TEST(OpenAiResponse, FailsInTheMidst) {
  const Asked asked = response(R"({"input":"x","stream":true})");
  std::string out;
  asked.reply->begin(some_identity(), {}, out);
  asked.reply->delta({0, "Hel", "", {}}, out);
  asked.reply->fail({Fault::Kind::kInternal, "broken"}, out);
  const std::vector<std::string> types = event_types(out);
  EXPECT_EQ(types.back(), "response.failed");
  EXPECT_NE(out.find(R"("status":"failed","background":false,"error":{"code":"server_error",)"
                     R"("message":"broken"})"),
            std::string::npos)
      << out;
  EXPECT_NE(out.find(R"("status":"incomplete","role":"assistant")"), std::string::npos) << out;
}

}  // namespace
}  // namespace handmill::api
