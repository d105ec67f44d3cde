// One test of every row of serve::Limits, and of what a server holds for a stream.
#include "serve/limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "serve/test_server.h"

namespace handmill::serve {
namespace {

class LimitsTest : public ServerTest {};

TEST_F(LimitsTest, HeaderBytes) {
  start();
  Client client = connect();
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(17 << 10, 'x'));
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, 431);
  EXPECT_NE(reply.body.find("16384"), std::string::npos) << reply.body;
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(connect().get("/version", "X: " + std::string(15 << 10, 'x') + "\r\n").status, 200);
}

TEST_F(LimitsTest, BodyBytesByTheLengthThatIsClaimed) {
  start();
  Client client = connect();
  client.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 33554433\r\n\r\n");
  const Reply reply = client.read();  // before any of it is sent
  EXPECT_EQ(reply.status, 413);
  EXPECT_NE(reply.body.find("33554432"), std::string::npos) << reply.body;
  EXPECT_TRUE(client.closed());
}

TEST_F(LimitsTest, BodyBytesInChunks) {
  options.limits.body_bytes = 100'000;
  start();
  Client client = connect();
  client.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n");
  const std::string chunk = "8000\r\n" + std::string(0x8000, ' ') + "\r\n";
  for (int i = 0; i < 4; ++i) client.send(chunk);
  EXPECT_EQ(client.read().status, 413);
  EXPECT_TRUE(client.closed());
}

TEST_F(LimitsTest, AReplyComesThroughThoughTheClientGoesOnSending) {
  options.limits.body_bytes = 1000;
  start();
  Client client = connect();
  client.send("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n");
  client.send(std::string(4'000'000, 'x'));
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(LimitsTest, Connections) {
  options.limits.connections = 2;
  start();
  Client first = connect();
  Client second = connect();
  ASSERT_EQ(first.get("/version").status, 200);
  ASSERT_EQ(second.get("/version").status, 200);
  Client third = connect();
  const Reply reply = third.read();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("Retry-After"), "1");
  EXPECT_TRUE(third.closed());
  EXPECT_EQ(metric_of(first.get("/metrics").body, "handmill_connections_refused_total"), "1");
  second.close();
  const auto end = Clock::now() + std::chrono::seconds(30);
  int status = 503;
  while (status != 200 && Clock::now() < end) status = connect().get("/version").status;
  EXPECT_EQ(status, 200);
}

TEST_F(LimitsTest, BufferedBytes) {
  options.limits.buffered_bytes = 200'000;
  start();
  Client holds = connect();
  holds.send("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 190000\r\n\r\n" +
             std::string(150'000, ' '));
  ASSERT_TRUE(wait_for_metric("handmill_buffered_bytes", "150000"));
  const Reply reply = connect().post("/tokenize", std::string(100'000, ' '));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("Retry-After"), "1");
  holds.close();
  EXPECT_TRUE(wait_for_metric("handmill_buffered_bytes", "0"));
}

TEST_F(LimitsTest, HeaderWait) {
  options.limits.header_wait = Milliseconds(300);
  start();
  Client client = connect();
  client.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(client.read().status, 408);
  EXPECT_TRUE(client.closed());
  Client drips = connect();  // a byte now and then does not help
  while (line_count(" 408 ") < 2 && drips.send("G")) ::usleep(10'000);
  EXPECT_EQ(drips.read().status, 408);
}

TEST_F(LimitsTest, BodyWaitAndBytesPerSecond) {
  options.limits.body_wait = Milliseconds(300);
  options.limits.body_bytes_per_s = 10'000;
  start();
  Client stops = connect();
  stops.send("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_EQ(stops.read().status, 408);
  EXPECT_TRUE(stops.closed());
  Client earns = connect();  // what it has sent is worth some seconds
  earns.send("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" +
             std::string(199'000, ' '));
  Client again = connect();
  again.send("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_EQ(again.read().status, 408);
  earns.send(std::string(1000, ' '));
  EXPECT_EQ(earns.read().status, 400);  // no JSON, but read
}

TEST_F(LimitsTest, IdleWait) {
  options.limits.idle_wait = Milliseconds(200);
  start();
  Client fresh = connect();
  EXPECT_TRUE(fresh.closed());
  Client used = connect();
  EXPECT_EQ(used.get("/version").status, 200);
  EXPECT_TRUE(used.closed());
}

TEST_F(LimitsTest, LingerWait) {
  options.limits.linger_wait = Milliseconds(200);
  start();
  Client client = connect();
  EXPECT_EQ(client.get("/version", "Connection: close\r\n").status, 200);
  EXPECT_TRUE(client.closed());  // our side of it; the client's stays open
  EXPECT_TRUE(wait_for_metric("handmill_connections", "1")) << "only the asking one is left";
}

TEST_F(LimitsTest, StuckWait) {
  options.limits.stuck_wait = Milliseconds(60'000);
  start();
  router::ModelStats stats;
  stats.name = "mill";
  stats.seconds_since_progress = 59;
  router.set_stats({stats});
  EXPECT_EQ(connect().get("/health").status, 200);
  stats.seconds_since_progress = 61;
  router.set_stats({stats});
  const Reply reply = connect().get("/health");
  EXPECT_EQ(reply.status, 503);
  EXPECT_NE(reply.body.find("stuck"), std::string::npos);
}

TEST_F(LimitsTest, DrainWait) {
  options.limits.drain_wait = Milliseconds(300);
  start();
  Client client = connect();
  client.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  server->drain();
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(router.wait_for_cancel(0));
}
// output_bytes, stall_wait and quiet_wait: stream_test.cpp.

TEST_F(LimitsTest, DescriptorsMayRunOutForAWhile) {
  start();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(0);
  ASSERT_GE(next, 0);
  ::close(next);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  Client client = connect();  // takes the last one, so that the server has none for it
  const bool connected = client.connected();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(connected);
  EXPECT_EQ(client.get("/version").status, 200);
}

TEST_F(LimitsTest, AChunkHeaderWithoutEnd) {
  start();
  Client client = connect();
  client.send("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  client.send(std::string(100'000, 'x'));
  EXPECT_EQ(client.read().status, 400);
  EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace handmill::serve
