// Answers on their way: whole and streamed, in each language, and clients that leave or do not
// read.
#include <gtest/gtest.h>

#include "serve/test_server.h"

namespace handmill::serve {
namespace {

class StreamTest : public ServerTest {};

TEST_F(StreamTest, AWholeAnswerComesInOnePiece) {
  start();
  Client client = connect();
  client.begin_post(kChatPath, kChatBody);
  ASSERT_TRUE(router.wait_for(1));
  EXPECT_EQ(router.asked(0).completion.model, "mill");
  router.start(0);
  router.text(0, "Hel");
  router.text(0, "lo");
  router.end(0);
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  EXPECT_FALSE(reply.header("X-Request-Id").empty());
  EXPECT_NE(reply.body.find("\"Hello\""), std::string::npos) << reply.body;
  EXPECT_TRUE(router.wait_for_cancel(0));  // the ticket is let go
}

TEST_F(StreamTest, AStreamComesAsItIsMade) {
  start();
  Client client = connect();
  client.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hel");
  EXPECT_NE(client.read_to("\"Hel\"").find("text/event-stream"), std::string::npos);
  router.text(0, "lo");
  EXPECT_FALSE(client.read_to("\"lo\"").empty());
  router.end(0);
  EXPECT_FALSE(client.read_to("data: [DONE]\n\n\r\n0\r\n\r\n").empty());
  EXPECT_EQ(client.get("/version").status, 200) << "the connection goes on";
}

TEST_F(StreamTest, EveryLanguageStreams) {
  start();
  struct Case {
    std::string path, body, type, last;
  };
  const std::string message = R"("messages":[{"role":"user","content":"Hi"}])";
  const Case cases[] = {
      {"/v1/completions", R"({"prompt":"Hi","stream":true})", "text/event-stream", "[DONE]"},
      {"/v1/responses", R"({"input":"Hi","stream":true})", "text/event-stream",
       "response.completed"},
      {"/v1/messages", R"({"max_tokens":9,"stream":true,)" + message + "}", "text/event-stream",
       "message_stop"},
      {"/api/chat", "{\"model\":\"mill\"," + message + "}", "application/x-ndjson",
       "\"done\":true"},
      {"/api/generate", R"({"model":"mill","prompt":"Hi"})", "application/x-ndjson",
       "\"done\":true"},
  };
  size_t index = 0;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.path);
    Client client = connect();
    client.begin_post(one.path, one.body);
    ASSERT_TRUE(router.wait_for(index + 1)) << client.read().body;
    router.start(index);
    router.text(index, "Hello");
    router.end(index++);
    const Reply reply = client.read();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("Content-Type").substr(0, one.type.size()), one.type);
    EXPECT_TRUE(reply.whole);
    EXPECT_NE(reply.body.find("Hello"), std::string::npos) << reply.body;
    EXPECT_NE(reply.body.find(one.last), std::string::npos) << reply.body;
  }
}

TEST_F(StreamTest, AClientThatLeavesInTheQueueCancels) {
  start();
  Client closes = connect();
  closes.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  closes.close();
  EXPECT_TRUE(router.wait_for_cancel(0));
  Client resets = connect();
  resets.begin_post(kChatPath, kChatBody);
  ASSERT_TRUE(router.wait_for(2));
  resets.reset();
  EXPECT_TRUE(router.wait_for_cancel(1));
  router.end(0, 0, api::Finish::kCancelled);
  EXPECT_NE(line_with(" 499 ").find("cancelled"), std::string::npos);
}

TEST_F(StreamTest, AClientThatLeavesInAStreamCancels) {
  start();
  Client client = connect();
  client.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hel");
  ASSERT_FALSE(client.read_to("\"Hel\"").empty());
  EXPECT_FALSE(router.cancelled(0));
  client.close();
  EXPECT_TRUE(router.wait_for_cancel(0));
  router.text(0, "lo");  // late events do no harm
  router.end(0, 2, api::Finish::kCancelled);
  EXPECT_NE(line_with(" 499 ").find("2 tokens"), std::string::npos);
}

TEST_F(StreamTest, AClientThatDoesNotReadIsDroppedAndHoldsLittle) {
  options.limits.output_bytes = 64 << 10;
  start();
  Client client(server->port(), 4096);
  client.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  const std::string piece(16 << 10, 'x');
  // The kernel's buffers take some; without the bound this would never end.
  size_t sent = 0;
  for (; !router.cancelled(0) && sent < (64U << 20); sent += piece.size()) {
    router.text(0, piece);
    const std::string held = metric("handmill_buffered_bytes");
    EXPECT_LE(std::stoul(held), options.limits.output_bytes + 2 * piece.size());
  }
  EXPECT_TRUE(router.wait_for_cancel(0));
  EXPECT_LT(sent, 8U << 20);
  EXPECT_TRUE(wait_for_metric("handmill_buffered_bytes", "0"));
}

TEST_F(StreamTest, OutputThatDoesNotMoveIsDroppedInTime) {
  options.limits.stall_wait = Milliseconds(300);
  start();
  Client client(server->port(), 4096);
  client.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, std::string(700 << 10, 'x'));  // inside the bound of bytes
  EXPECT_TRUE(router.wait_for_cancel(0));
}

TEST_F(StreamTest, ALongPrefillIsToldOfByPings) {
  options.limits.quiet_wait = Milliseconds(200);
  start();
  Client client = connect();
  client.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  EXPECT_NE(client.read_to("\r\n\r\n").find("200 OK"), std::string::npos);
  EXPECT_FALSE(client.read_to(":").empty());
  EXPECT_FALSE(client.read_to("\n:").empty()) << "a second one";
  router.start(0);
  router.text(0, "Hello");
  router.end(0);
  EXPECT_FALSE(client.read_to("Hello").empty());
  EXPECT_FALSE(client.read_to("[DONE]").empty());
}

TEST_F(StreamTest, AFaultAfterPingsIsPartOfTheStream) {
  options.limits.quiet_wait = Milliseconds(200);
  start();
  Client client = connect();
  client.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  ASSERT_FALSE(client.read_to("\n\n").empty());
  router.event(0, api::Fault{api::Fault::Kind::kInternal, "the mill stands still", {}});
  EXPECT_FALSE(client.read_to("the mill stands still").empty());
  EXPECT_FALSE(client.read_to("\r\n0\r\n\r\n").empty());
}

TEST_F(StreamTest, AWholeAnswerGetsNoPings) {
  options.limits.quiet_wait = Milliseconds(100);
  start();
  Client client = connect();
  client.begin_post(kChatPath, kChatBody);
  ASSERT_TRUE(router.wait_for(1));
  Client other = connect();  // a stream beside it shows that time has passed
  other.begin_post(kChatPath, kStreamBody);
  ASSERT_FALSE(other.read_to("\n\n").empty());
  router.start(0);
  router.text(0, "Hello");
  router.end(0);
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(StreamTest, FaultsBecomeStatuses) {
  start();
  using Kind = api::Fault::Kind;
  const std::pair<Kind, int> cases[] = {{Kind::kContext, 400},  {Kind::kNotFound, 404},
                                        {Kind::kBusy, 503},     {Kind::kUnavailable, 503},
                                        {Kind::kInternal, 500}, {Kind::kUnsupported, 400}};
  Client client = connect();
  for (const auto& [kind, status] : cases)
    for (const std::string& body : {kChatBody, kStreamBody}) {
      router.refuse(api::Fault{kind, "no flour", {}});
      const Reply reply = client.post(kChatPath, body);
      EXPECT_EQ(reply.status, status);
      EXPECT_EQ(reply.header("Content-Type"), "application/json");
      EXPECT_EQ(reply.header("Retry-After").empty(), status != 503);
      EXPECT_NE(reply.body.find("no flour"), std::string::npos);
    }
}

TEST_F(StreamTest, TheLogTellsFiguresAndNoText) {
  start();
  Client client = connect();
  client.begin_post(kChatPath, kChatBody);
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hello");
  router.end(0, 10, api::Finish::kLength);
  const Reply reply = client.read();
  const std::string line = line_with(reply.header("X-Request-Id"));
  for (const char* part : {"/v1/chat/completions", " 200 ", "model=mill ", "prompt=5 (2 cached)",
                           "TTFT 50 ms", "10 tokens", " length "})
    EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
  EXPECT_EQ(line.find("Hello"), std::string::npos);
  EXPECT_EQ(line.find("Hi"), std::string::npos);
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST_F(StreamTest, TheFiguresOfAnswersAreInTheMetrics) {
  start();
  Client client = connect();
  client.begin_post(kChatPath, kChatBody);
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hel");
  router.text(0, "lo");
  router.end(0);
  ASSERT_EQ(client.read().status, 200);
  const std::string text = client.get("/metrics").body;
  const std::string model = "model_name=\"mill\"";
  const std::pair<std::string, std::string> rows[] = {
      {"vllm:request_success_total{" + model + ",finished_reason=\"stop\"}", "1"},
      {"vllm:time_to_first_token_seconds_count{" + model + "}", "1"},
      {"vllm:time_to_first_token_seconds_bucket{" + model + ",le=\"0.04\"}", "0"},
      {"vllm:time_to_first_token_seconds_bucket{" + model + ",le=\"0.06\"}", "1"},
      {"vllm:inter_token_latency_seconds_count{" + model + "}", "1"},
      {"vllm:e2e_request_latency_seconds_bucket{" + model + ",le=\"0.3\"}", "1"},
      {"vllm:request_prompt_tokens_sum{" + model + "}", "5"},
      {"vllm:request_generation_tokens_bucket{" + model + ",le=\"2\"}", "1"},
      {"handmill_http_replies_total{status=\"200\"}", "1"},
      {"handmill_connections", "1"},
  };
  for (const auto& [name, value] : rows) EXPECT_EQ(metric_of(text, name), value) << name;
}

TEST_F(StreamTest, EmbeddingsComeInTheirLanguages) {
  start();
  Client client = connect();
  client.begin_post("/v1/embeddings", R"({"model":"mill","input":"Hi","encoding_format":"float"})");
  ASSERT_TRUE(router.wait_for(1));
  router.asked(0).embedding_sink(router::EmbeddingAnswer{{{0.5F, -0.5F}}, {3, 0, 0, 0}, {}});
  Reply reply = client.read();
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("0.5"), std::string::npos) << reply.body;
  client.begin_post("/api/embed", R"({"model":"mill","input":"Hi"})");
  ASSERT_TRUE(router.wait_for(2));
  router.asked(1).embedding_sink(router::EmbeddingAnswer{{{0.25F}}, {3, 0, 0, 0}, {}});
  reply = client.read();
  EXPECT_NE(reply.body.find("0.25"), std::string::npos) << reply.body;
  client.begin_post("/api/embed", R"({"model":"mill","input":"Hi"})");
  ASSERT_TRUE(router.wait_for(3));
  client.close();
  EXPECT_TRUE(router.wait_for_cancel(2));
}

}  // namespace
}  // namespace handmill::serve
