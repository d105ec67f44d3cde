// The client against servers that answer in all the ways that servers do.
#include "net/client.h"

#include <future>
#include <gtest/gtest.h>

#include "net/test_server.h"

namespace handmill::net {
namespace {

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    ::setenv("no_proxy", "*", 1);
    ::unsetenv("SSL_CERT_FILE");
  }
  Client client() {
    auto made = Client::make(options);
    if (!made.ok()) std::abort();
    return std::move(*made);
  }
  Result<Response> get(const std::string& url, uint64_t bytes_max = 1 << 20) {
    return client().fetch({.url = url}, bytes_max);
  }
  /// The error of a request that must fail, with these words in it.
  void expect_fault(const Result<Response>& response, const std::string& words,
                    Code code = Code::kIo) {
    ASSERT_FALSE(response.ok());
    EXPECT_NE(response.error().message.find(words), std::string::npos) << response.error().message;
    EXPECT_EQ(response.error().code, code);
  }
  Options options;
};

TEST_F(ClientTest, GetsABodyWithStatusAndHeaders) {
  TestServer server([](Peer& peer, const std::string&) {
    peer.answer(200, "hello", "ETag:  \"abc\" \r\nX-Empty:\r\n");
  });
  const auto response = get(server.url("/a?b=c"));
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->bytes, 5u);
  EXPECT_FALSE(response->stopped);
  EXPECT_EQ(response->url, server.url("/a?b=c"));
  EXPECT_EQ(response->header("etag"), "\"abc\"");
  EXPECT_EQ(response->header("x-empty"), "");
  const std::string request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("GET /a?b=c HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("\r\nUser-Agent: handmill/"), std::string::npos) << request;
}

TEST_F(ClientTest, PostsABodyOverTheSameConnection) {
  TestServer server([](Peer& peer, const std::string& request) {
    peer.answer(request.starts_with("POST") ? 201 : 200, request);
  });
  Client one = client();
  const std::string body(3 << 20, 'x');
  ASSERT_TRUE(one.fetch({.url = server.url()}, 1 << 20).ok());
  const auto response = one.fetch(
      {.url = server.url(), .headers = {{"Content-Type", "application/json"}}, .body = body},
      4 << 20);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_TRUE(response->body.ends_with("\r\n\r\n" + body));
  EXPECT_NE(response->body.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(response->body.find("Expect"), std::string::npos);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_TRUE(one.fetch({.url = server.url(), .body = ""}, 1 << 20)->body.starts_with("POST"));
}

TEST_F(ClientTest, RefusesHeadersThatWouldBreakTheRequest) {
  TestServer server([](Peer& peer, const std::string&) { peer.answer(200, ""); });
  for (const Header& header : {Header{"A\r\nB", "c"}, Header{"A", "b\r\nC: d"}, Header{"", "b"}})
    expect_fault(client().fetch({.url = server.url(), .headers = {header}}, 10), "header",
                 Code::kInvalid);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(ClientTest, GetsARangeAndHoldsTheAnswerAgainstIt) {
  std::string said = "bytes 100-103/1000";
  TestServer server([&](Peer& peer, const std::string&) {
    peer.answer(206, "four", "Content-Range: " + said + "\r\n");
  });
  const Request request{.url = server.url(), .range = ByteRange{100, 4}};
  auto response = client().fetch(request, 10);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_NE(server.requests().at(0).find("\r\nRange: bytes=100-103\r\n"), std::string::npos);
  ASSERT_TRUE(response->range.has_value());
  EXPECT_EQ(response->range->first, 100u);
  EXPECT_EQ(response->range->last, 103u);
  EXPECT_EQ(response->range->total, 1000u);
  said = "bytes 100-101/*";  // less, and of an unknown whole
  response = client().fetch(request, 10);
  ASSERT_TRUE(response.ok());
  EXPECT_FALSE(response->range->total.has_value());
  for (const char* wrong :
       {"bytes 0-3/1000", "bytes 99-102/1000", "bytes 101-103/1000", "bytes 100-104/1000",
        "bytes 100-99/1000", "bytes 100-103/50", "items 100-103/1000", "", "bytes 100-103/1000x"}) {
    said = wrong;
    expect_fault(client().fetch(request, 10), "asked for bytes 100-103", Code::kInvalid);
  }
  expect_fault(client().fetch({.url = server.url(), .range = ByteRange{1, 0}}, 1), "range",
               Code::kInvalid);
  expect_fault(client().fetch({.url = server.url(), .range = ByteRange{UINT64_MAX, 2}}, 1), "range",
               Code::kInvalid);
}

TEST_F(ClientTest, AServerWithoutRangesAnswersWithTheWhole) {
  TestServer server([](Peer& peer, const std::string&) { peer.answer(200, "all of it"); });
  const auto response = client().fetch({.url = server.url(), .range = ByteRange{4, 2}}, 100);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 200);
  EXPECT_FALSE(response->range.has_value());
  EXPECT_EQ(response->body, "all of it");
}

TEST_F(ClientTest, BoundsWhatItKeeps) {
  TestServer server([](Peer& peer, const std::string& request) {
    if (path_of(request) == "/body") peer.answer(200, std::string(1000, 'x'));
    if (path_of(request) == "/head")
      peer.answer(200, "", "X-Long: " + std::string(50'000, 'x') + "\r\n");
    if (path_of(request) == "/many") {
      std::string headers;
      for (int i = 0; i < 40'000; ++i) headers += "X-Many: y\r\n";
      peer.answer(200, "", headers);
    }
  });
  EXPECT_EQ(get(server.url("/body"), 1000)->body.size(), 1000u);
  expect_fault(get(server.url("/body"), 999), "more than 999 bytes", Code::kLimit);
  EXPECT_TRUE(get(server.url("/head")).ok());
  expect_fault(get(server.url("/many")), "headers of more than 262144 bytes", Code::kLimit);
  options.header_bytes_max = 40'000;
  expect_fault(get(server.url("/head")), "headers of more than 40000 bytes", Code::kLimit);
}

TEST_F(ClientTest, StreamsPiecesAsTheyCome) {
  std::promise<void> first_seen;
  TestServer server([&](Peer& peer, const std::string&) {
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    peer.send("d\r\ndata: first\n\n\r\n");
    first_seen.get_future().wait();  // it goes on only when the client has had the first
    peer.send("e\r\ndata: second\n\n\r\n0\r\nX-Trailer: t\r\n\r\n");
  });
  std::string got;
  const auto response =
      client().stream({.url = server.url()}, [&](const Response& so_far, std::string_view piece) {
        EXPECT_EQ(so_far.status, 200);
        EXPECT_EQ(so_far.header("transfer-encoding"), "chunked");
        if (got.empty()) first_seen.set_value();
        got += piece;
        return true;
      });
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(got, "data: first\n\ndata: second\n\n");
  EXPECT_EQ(response->header("x-trailer"), "");
}

TEST_F(ClientTest, StopsWhereTheSinkSaysSo) {
  std::promise<bool> left;
  TestServer server([&](Peer& peer, const std::string& request) {
    if (path_of(request) == "/next") return void(peer.answer(200, "next"));
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nbegin");
    peer.wait_for_leave();
    left.set_value(peer.left);
  });
  Client one = client();
  const auto response =
      one.stream({.url = server.url()}, [](const Response&, std::string_view) { return false; });
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_TRUE(response->stopped);
  EXPECT_EQ(response->status, 200);
  EXPECT_TRUE(left.get_future().get());
  EXPECT_EQ(one.fetch({.url = server.url("/next")}, 10)->body, "next");
}

TEST_F(ClientTest, ASinkThatThrowsEndsTheRequest) {
  TestServer server([](Peer& peer, const std::string&) { peer.answer(200, "x"); });
  const auto response =
      client().stream({.url = server.url()},
                      [](const Response&, std::string_view) -> bool { throw std::bad_alloc(); });
  expect_fault(response, "no memory", Code::kLimit);
}

TEST_F(ClientTest, StatusesAreTheCallers) {
  TestServer server([](Peer& peer, const std::string& request) {
    if (path_of(request).starts_with("/none"))
      return void(peer.answer(404, "{\"error\":\"no\"}\x1b[2J"));
    peer.answer(503, "<html>", "Content-Type: text/html\r\n");
  });
  const auto none = get(server.url("/none?signature=s"));
  ASSERT_TRUE(none.ok());
  const Error error = status_error(*none);
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_TRUE(error.message.starts_with(server.url("/none") + ": status 404 (not found): \"{"))
      << error.message;
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
  const Error busy = status_error(*get(server.url()));
  EXPECT_EQ(busy.code, Code::kIo);
  EXPECT_TRUE(busy.message.ends_with("status 503 (not available now)")) << busy.message;
}

}  // namespace
}  // namespace handmill::net
