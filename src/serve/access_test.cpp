// Who may ask: keys, names of the server, origins of web pages; and the way that all of it ends.
#include <algorithm>
#include <gtest/gtest.h>
#include <thread>

#include "base/temp_folder.h"
#include "serve/guard.h"
#include "serve/route.h"
#include "serve/test_server.h"

namespace handmill::serve {
namespace {

class AccessTest : public ServerTest {
 protected:
  static std::string path_of(const Route& route) {
    std::string path(route.path);
    if (path.ends_with('*')) path.back() = 'x';
    return path;
  }
  Reply ask(const Route& route, const std::string& headers) {
    Client client = connect();
    client.send(std::string(route.method) + " " + path_of(route) +
                " HTTP/1.1\r\nHost: localhost\r\n" + headers + "Content-Length: 0\r\n\r\n");
    return client.read(route.method != "HEAD");
  }
  void add_keys() {
    ASSERT_TRUE(
        options.keys
            .add("# ours\nann:secret-of-ann\n\n  bob : secret-of-bob\nloose-key-3\n", "keys")
            .ok());
  }
};

TEST_F(AccessTest, EveryRouteButThePublicOnesWantsAKey) {
  add_keys();
  start();
  for (const Route& route : routes()) {
    SCOPED_TRACE(path_of(route));
    const bool open = route.access == Access::kPublic;
    for (const std::string& headers :
         {std::string(), std::string("Authorization: Bearer secret-of-eve\r\n"),
          std::string("x-api-key: secret-of-an\r\n"), std::string("x-api-key: \r\n"),
          std::string("Authorization: Basic secret-of-ann\r\n"),
          std::string("Authorization: secret-of-ann\r\n")}) {
      const Reply reply = ask(route, headers);
      EXPECT_EQ(reply.status == 401, !open) << headers << reply.status;
      EXPECT_EQ(reply.header("WWW-Authenticate"), open ? "" : "Bearer");
    }
    for (const std::string& headers : {std::string("Authorization: Bearer secret-of-ann\r\n"),
                                       std::string("authorization: bearer secret-of-bob\r\n"),
                                       std::string("X-Api-Key: loose-key-3\r\n")})
      EXPECT_NE(ask(route, headers).status, 401) << headers;
  }
  EXPECT_EQ(connect().get("/nothing").status, 401) << "who has no key learns no path";
  std::vector<std::string> open;
  for (const Route& route : routes())
    if (route.access == Access::kPublic) open.push_back(path_of(route));
  EXPECT_EQ(open,
            (std::vector<std::string>{"/", "/health", "/v1/health", "/version", "/api/version"}));
}

TEST_F(AccessTest, AKeyIsAnOwnerAndANameInTheLog) {
  add_keys();
  start();
  Client client = connect();
  client.begin_post(kChatPath, kChatBody, "x-api-key: secret-of-bob\r\n");
  ASSERT_TRUE(router.wait_for(1));
  EXPECT_EQ(router.asked(0).owner, 2U);
  router.end(0);
  EXPECT_EQ(client.read().status, 200);
  const std::string line = line_with("key=bob");
  EXPECT_FALSE(line.empty());
  EXPECT_EQ(line.find("secret"), std::string::npos);
}

TEST_F(AccessTest, BadKeyFilesAreNamedAndNotQuoted) {
  const std::pair<const char*, const char*> cases[] = {{"ann:short\n", "line 1"},
                                                       {"\nann:has space in\n", "line 2"},
                                                       {":nameless-key", "line 1"},
                                                       {"a:12345678\na:87654321", "line 2"}};
  for (const auto& [text, where] : cases) {
    Keys keys;
    const Status status = keys.add(text, "keys.txt");
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_NE(status.error().message.find(std::string("keys.txt ") + where), std::string::npos);
    EXPECT_EQ(status.error().message.find("short"), std::string::npos);
  }
  const base::TempFolder folder;
  Keys keys;
  EXPECT_FALSE(keys.add_file(folder / "none").ok());
  EXPECT_FALSE(keys.add_file(folder.file("empty", "# none\n")).ok());
  EXPECT_TRUE(keys.add_file(folder.file("one", "ann:12345678\n")).ok());
}

TEST_F(AccessTest, OtherMachinesAreLetInWithKeysAlone) {
  options.host = "0.0.0.0";
  const auto made = Server::make(options, router);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("API keys"), std::string::npos);
  add_keys();
  start();
  EXPECT_EQ(connect().get("/v1/models").status, 401);
  EXPECT_EQ(connect().get("/v1/models", "x-api-key: secret-of-ann\r\n").status, 200);
}

TEST_F(AccessTest, OtherHostNamesAreRefusedOnTheLoopback) {
  options.allow_hosts = {"Mill.Example"};
  const int port = start();
  const auto status_of = [&](const std::string& host) {
    Client client = connect();
    client.send("GET /health HTTP/1.1\r\n" + host + "\r\n");
    return client.read().status;
  };
  for (const char* good : {"localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]",
                           "handmill.localhost", "mill.example"}) {
    EXPECT_EQ(status_of("Host: " + std::string(good) + "\r\n"), 200) << good;
    EXPECT_EQ(status_of("Host: " + std::string(good) + ":" + std::to_string(port) + "\r\n"), 200);
  }
  for (const char* bad : {"evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "[::1",
                          "127.0.0.1.evil.example", ""})
    EXPECT_EQ(status_of("Host: " + std::string(bad) + "\r\n"), 403) << bad;
  EXPECT_EQ(status_of(""), 400);
  EXPECT_EQ(status_of("Host: localhost\r\nHost: localhost\r\n"), 400);
}

TEST_F(AccessTest, PagesFromElsewhereAreRefused) {
  options.allow_origins = {"https://chat.example"};
  start();
  for (const char* bad : {"https://evil.example", "null", "https://chat.example.evil.example",
                          "https://localhost.evil.example", "http://evil.example/localhost"}) {
    const Reply reply =
        connect().post(kChatPath, kChatBody, "Origin: " + std::string(bad) + "\r\n");
    EXPECT_EQ(reply.status, 403) << bad;
    EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "");
  }
  EXPECT_EQ(router.count(), 0U);
  for (const char* good : {"http://localhost:3000", "https://127.0.0.1", "app://obsidian.md",
                           "tauri://localhost", "vscode-webview://abc", "https://chat.example"}) {
    const Reply reply = connect().get("/v1/models", "Origin: " + std::string(good) + "\r\n");
    EXPECT_EQ(reply.status, 200) << good;
    EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), good);
    EXPECT_EQ(reply.header("Vary"), "Origin");
  }
}

TEST_F(AccessTest, BrowsersAskFirst) {
  add_keys();
  start();
  Client client = connect();
  client.send("OPTIONS " + kChatPath +
              " HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n"
              "Access-Control-Request-Method: POST\r\n"
              "Access-Control-Request-Headers: authorization,x-stainless-os\r\n\r\n");
  Reply reply = client.read();
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "http://localhost:3000");
  EXPECT_NE(reply.header("Access-Control-Allow-Methods").find("POST"), std::string::npos);
  EXPECT_EQ(reply.header("Access-Control-Allow-Headers"), "authorization,x-stainless-os");
  client.send("OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n");
  reply = client.read();
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("Allow"), "GET, HEAD, OPTIONS");
  client.send("OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n");
  EXPECT_EQ(client.read().status, 403);
}

TEST(Guard, PatternsFit) {
  EXPECT_TRUE(fits("*", "anything"));
  EXPECT_TRUE(fits("http://localhost:*", "HTTP://localhost:1"));
  EXPECT_FALSE(fits("http://localhost:*", "http://localhost"));
  EXPECT_TRUE(fits("https://*.example", "https://a.b.example"));
  EXPECT_FALSE(fits("https://*.example", "https://example"));
  EXPECT_FALSE(fits("https://*.example", "https://a.example.evil"));
}

TEST_F(AccessTest, DrainingLetsAnswersEndAndNothingBegin) {
  start();
  Client idle = connect();
  ASSERT_EQ(idle.get("/version").status, 200);
  Client streams = connect();
  streams.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hel");
  ASSERT_FALSE(streams.read_to("\"Hel\"").empty());
  server->drain();
  EXPECT_TRUE(router.wait_for_note("drain"));
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(server->drained());
  EXPECT_FALSE(Client(server->port()).connected());
  router.text(0, "lo");
  router.end(0);
  EXPECT_FALSE(streams.read_to("[DONE]\n\n\r\n0\r\n\r\n").empty());
  EXPECT_TRUE(streams.closed());
  streams.close();
  while (!server->drained()) std::this_thread::yield();
  EXPECT_FALSE(router.asked(0).completion.model.empty());
}

TEST_F(AccessTest, EndingAtOnceCancelsWhatRuns) {
  start();
  Client client = connect();
  client.begin_post(kChatPath, kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  server.reset();
  EXPECT_TRUE(router.cancelled(0));
  EXPECT_TRUE(client.closed());
  router.text(0, "late");
  router.end(0, 0, api::Finish::kCancelled);  // comes when there is no server any more
}

TEST_F(AccessTest, APortThatIsTakenIsSaid) {
  options.port = start();
  const auto second = Server::make(options, router);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find(std::to_string(options.port)), std::string::npos);
}

TEST_F(AccessTest, LocalhostIsBothAddresses) {
  options.host = "localhost";
  start();
  EXPECT_EQ(connect().get("/health").status, 200);
  EXPECT_EQ(server->url(), "http://localhost:" + std::to_string(server->port()));
}

}  // namespace
}  // namespace handmill::serve
