// Redirects: where they lead, where they may not, and what goes along.
#include <gtest/gtest.h>

#include "net/client.h"
#include "net/test_server.h"
#include "net/url.h"

namespace handmill::net {
namespace {

/// "/to/X" redirects to X with 302.
void redirecting(Peer& peer, const std::string& request) {
  const std::string path = path_of(request);
  if (path.starts_with("/to/"))
    peer.answer(302, "elsewhere", "Location: " + path.substr(4) + "\r\n");
  else
    peer.answer(200, "at " + path);
}

class RedirectTest : public testing::Test {
 protected:
  RedirectTest() { ::setenv("no_proxy", "*", 1); }
  Result<Response> get(const Request& request) {
    auto client = Client::make(options);
    if (!client.ok()) std::abort();
    return client->fetch(request, 1000);
  }
  Options options;
  TestServer server{redirecting};
};

TEST_F(RedirectTest, AreFollowedWithinTheirNumber) {
  auto response = get({.url = server.url("/to//to//end")});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "at /end");
  EXPECT_EQ(response->url, server.url("/end"));
  options.redirects_max = 1;
  response = get({.url = server.url("/to//to//end")});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, Code::kLimit);
  EXPECT_NE(response.error().message.find("more than 1 redirects"), std::string::npos);
  options.redirects_max = 0;  // the redirect itself is the answer
  response = get({.url = server.url("/to//end")});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->header("location"), "/end");
  EXPECT_EQ(response->body, "elsewhere");
}

TEST_F(RedirectTest, ALoopEnds) {
  TestServer loop(
      [](Peer& peer, const std::string&) { peer.answer(301, "", "Location: /again\r\n"); });
  const auto response = get({.url = loop.url()});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, Code::kLimit);
  EXPECT_EQ(loop.requests().size(), 6u);
}

TEST_F(RedirectTest, LeadToHttpAlone) {
  for (const char* target : {"file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1/",
                             "http://user:word@127.0.0.1/", "http://"}) {
    const auto response = get({.url = server.url("/to/") + target});
    ASSERT_FALSE(response.ok()) << target;
    EXPECT_NE(response.error().message.find("redirect"), std::string::npos)
        << response.error().message;
  }
  TestServer nowhere([](Peer& peer, const std::string&) { peer.answer(302, ""); });
  EXPECT_NE(get({.url = nowhere.url()}).error().message.find("nowhere"), std::string::npos);
}

TEST_F(RedirectTest, SecretsStayWithTheOrigin) {
  TestServer other(redirecting);
  const Request request{.url = server.url("/to/" + other.url("/to/" + server.url("/end"))),
                        .headers = {{"X-Plain", "p"}},
                        .secrets = {{"Authorization", "Bearer s"}, {"X-Api-Key", "k"}}};
  ASSERT_TRUE(get(request).ok());
  const auto here = server.requests(), there = other.requests();
  ASSERT_EQ(here.size(), 2u);
  ASSERT_EQ(there.size(), 1u);
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(here[0], "Authorization: Bearer s") && has(here[0], "X-Api-Key: k"));
  for (const std::string& later : {there[0], here[1]}) {
    EXPECT_TRUE(has(later, "X-Plain: p"));
    EXPECT_FALSE(has(later, "Authorization") || has(later, "X-Api-Key")) << later;
  }
  ASSERT_TRUE(get({.url = server.url("/to//end"), .secrets = {{"X-Api-Key", "k"}}}).ok());
  EXPECT_TRUE(has(server.requests().at(3), "X-Api-Key: k"));
}

TEST_F(RedirectTest, APostFollowsNone) {
  const auto response = get({.url = server.url("/to//end"), .body = "b"});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(RedirectTest, TheBodyOfARedirectIsNotTheSinks) {
  auto client = Client::make({});
  std::string got;
  const auto response =
      client->stream({.url = server.url("/to//end")}, [&](const Response&, std::string_view piece) {
        got += piece;
        return true;
      });
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(got, "at /end");
}

TEST(Url, IsTakenApartAndResolved) {
  const auto url = parse_url("https://example.org/a/b?c=d");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->origin(), "https://example.org:443");
  EXPECT_EQ(url->place(), "example.org");
  EXPECT_EQ(parse_url("http://[::1]:8080/")->place(), "[::1]:8080");
  EXPECT_EQ(resolve(*url, "../e f")->text, "https://example.org/e%20f");
  EXPECT_EQ(resolve(*url, "//other.org/x")->text, "https://other.org/x");
  for (const char* wrong : {"", "example.org", "ftp://example.org", "https://u:p@example.org/",
                            "https://", "https://exa mple.org", "file:///etc/passwd"})
    EXPECT_FALSE(parse_url(wrong).ok()) << wrong;
  EXPECT_EQ(parse_url("http://a/" + std::string(9000, 'x')).error().code, Code::kLimit);
  EXPECT_EQ(path_piece("a b/ü.gguf"), "a%20b%2F%C3%BC.gguf");
}

}  // namespace
}  // namespace handmill::net
