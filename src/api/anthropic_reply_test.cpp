#include "api/anthropic_reply.h"

#include <gtest/gtest.h>

#include "api/anthropic.h"
#include "api/read_check.h"

namespace handmill::api::anthropic {
namespace {

std::string event(std::string_view type, std::string_view fields = "") {
  std::string out = "event: " + std::string(type) + "\ndata: {\"type\":\"" + std::string(type);
  return out + "\"" + (fields.empty() ? "" : ",") + std::string(fields) + "}\n\n";
}

const std::string kStart =
    event("message_start",
          R"("message":{"id":"msg_7","type":"message","role":"assistant","model":"smol",)"
          R"("content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":6,)"
          R"("cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":0}})") +
    event("ping");
constexpr std::string_view kUsage = R"("usage":{"input_tokens":6,"cache_creation_input_tokens":0,)"
                                    R"("cache_read_input_tokens":4,"output_tokens":5})";

std::string ended(std::string_view reason, std::string_view stop = "null") {
  return event("message_delta", R"("delta":{"stop_reason":")" + std::string(reason) +
                                    R"(","stop_sequence":)" + std::string(stop) + "}," +
                                    std::string(kUsage) + "," + std::string(kSomeTimings)) +
         event("message_stop");
}

std::string piece(int index, std::string_view type, std::string_view field, std::string_view text) {
  return event("content_block_delta", "\"index\":" + std::to_string(index) +
                                          ",\"delta\":{\"type\":\"" + std::string(type) + "\",\"" +
                                          std::string(field) + "\":\"" + std::string(text) + "\"}");
}
std::string stopped(int index) {
  return event("content_block_stop", "\"index\":" + std::to_string(index));
}
std::string text_block(int index) {
  return event("content_block_start", "\"index\":" + std::to_string(index) +
                                          R"(,"content_block":{"type":"text","text":""})");
}

/// The bytes of a reply to these pieces.
std::string whole(bool stream, bool thinking, const std::vector<Delta>& deltas, ChoiceEnd end) {
  return told(*make_reply(stream, thinking), deltas, {std::move(end)});
}

const std::vector<Delta> kThought = {
    {0, "", "Hm", {}}, {0, "", "!", {}}, {0, "", "", {}}, {0, "Hi", "", {}}, {0, " there", "", {}}};

TEST(AnthropicReply, EventsInOrder) {
  const std::string thinking =
      event("content_block_start",
            R"("index":0,"content_block":{"type":"thinking","thinking":"","signature":""})");
  EXPECT_EQ(whole(true, true, kThought, {}),
            kStart + thinking + piece(0, "thinking_delta", "thinking", "Hm") +
                piece(0, "thinking_delta", "thinking", "!") +
                piece(0, "signature_delta", "signature", "handmill") + stopped(0) + text_block(1) +
                piece(1, "text_delta", "text", "Hi") + piece(1, "text_delta", "text", " there") +
                stopped(1) + ended("end_turn"));
}

TEST(AnthropicReply, OneMessageWithoutStream) {
  const std::string head =
      R"({"id":"msg_7","type":"message","role":"assistant","model":"smol","content":[)";
  EXPECT_EQ(whole(false, true, kThought, {0, Finish::kLength, "", {}}),
            head +
                R"({"type":"thinking","thinking":"Hm!","signature":"handmill"},)"
                R"({"type":"text","text":"Hi there"}],"stop_reason":"max_tokens",)"
                R"("stop_sequence":null,)" +
                std::string(kUsage) + "," + std::string(kSomeTimings) + "}");
  EXPECT_EQ(whole(false, true, {}, {}), head +
                                            R"({"type":"text","text":""}],"stop_reason":)"
                                            R"("end_turn","stop_sequence":null,)" +
                                            std::string(kUsage) + "," + std::string(kSomeTimings) +
                                            "}");
}

TEST(AnthropicReply, ThinkingThatNobodyAskedForIsNotShown) {
  EXPECT_EQ(whole(true, false, kThought, {}),
            kStart + text_block(0) + piece(0, "text_delta", "text", "Hi") +
                piece(0, "text_delta", "text", " there") + stopped(0) + ended("end_turn"));
  EXPECT_EQ(whole(false, false, kThought, {}).find("Hm"), std::string::npos);
}

TEST(AnthropicReply, AnEmptyAnswerHasABlock) {
  EXPECT_EQ(whole(true, true, {}, {0, Finish::kContext, "", {}}),
            kStart + text_block(0) + stopped(0) + ended("max_tokens"));
}

TEST(AnthropicReply, AStopSequenceIsTold) {
  EXPECT_EQ(whole(true, true, {{0, "a", "", {}}}, {0, Finish::kStop, "\n\n", {}}),
            kStart + text_block(0) + piece(0, "text_delta", "text", "a") + stopped(0) +
                ended("stop_sequence", R"("\n\n")"));
}

TEST(AnthropicReply, AFaultIsAnEvent) {
  const auto reply = make_reply(true, true);
  std::string out;
  reply->fail({Fault::Kind::kBusy, "too many"}, out);
  EXPECT_EQ(out,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
            "\"message\":\"too many\"}}\n\n");
}

TEST(AnthropicReply, KindsOfContent) {
  EXPECT_EQ(make_reply(true, true)->content_type(), "text/event-stream");
  EXPECT_EQ(make_reply(false, true)->content_type(), "application/json");
  EXPECT_EQ(make_reply(true, true)->ping(), event("ping"));
  EXPECT_EQ(make_reply(false, true)->ping(), "");
  EXPECT_EQ(count_tokens_reply(2095), R"({"input_tokens":2095})");
}

}  // namespace
}  // namespace handmill::api::anthropic
