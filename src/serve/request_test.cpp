// What clients send, well and badly formed: every refusal has its status and says what is wrong,
// and a connection goes on exactly where that is safe.
#include <gtest/gtest.h>

#include "serve/test_server.h"

namespace handmill::serve {
namespace {

class RequestTest : public ServerTest {};

TEST_F(RequestTest, WhatIsNoHttpIs400AndCloses) {
  start();
  const std::string host = "Host: localhost\r\n";
  const std::string bad[] = {
      "HELLO\r\n\r\n",
      "GET / HTTP/2.0\r\n" + host + "\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET / HTTP/1.1\nHost: localhost\n\n",
      "GET / HTTP/1.1\r\n" + host + "Bad Name: x\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "Nul: a\0b\r\n\r\n" + std::string(1, '\0'),
      "GET / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "POST /tokenize HTTP/1.1\r\n" + host +
          "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /tokenize HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
      "POST /tokenize HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
      "POST /tokenize HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
      "POST /tokenize HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
      "POST /tokenize HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
      "POST /tokenize HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
  };
  for (const std::string& text : bad) {
    SCOPED_TRACE(text);
    Client client = connect();
    client.send(text);
    const Reply reply = client.read();
    EXPECT_EQ(reply.status, 400);
    EXPECT_NE(reply.body.find("\"error\""), std::string::npos);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(connect().get("/health").status, 200);
}

TEST_F(RequestTest, AnswersAreInTheDialectOfTheirPath) {
  start();
  const std::pair<std::string, std::string> cases[] = {
      {"/v1/nothing", R"("type":"invalid_request_error")"},
      {"/v1/messages/nothing", R"({"type":"error","error":{"type":"not_found_error")"},
      {"/api/nothing", R"({"error":"there is no route)"},
      {"/nothing", R"("type":"invalid_request_error")"},
  };
  Client client = connect();
  for (const auto& [path, part] : cases) {
    const Reply reply = client.get(path);
    EXPECT_EQ(reply.status, 404);
    EXPECT_NE(reply.body.find(part), std::string::npos) << reply.body;
  }
}

TEST_F(RequestTest, AWrongMethodIs405AndNamesTheRightOnes) {
  start();
  Client client = connect();
  Reply reply = client.get(kChatPath);
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("Allow"), "POST, OPTIONS");
  reply = client.post("/v1/models", "");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("Allow"), "GET, HEAD, OPTIONS");
  client.send("BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.read().status, 405);
}

TEST_F(RequestTest, BadBodiesAre400AndTheConnectionGoesOn) {
  start();
  const std::string bad[] = {"",
                             "{",
                             "[]",
                             "null",
                             "{\"messages\":1}",
                             "{\"messages\":[]}",
                             "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}",
                             std::string(100, '[')};
  Client client = connect();
  for (const std::string& path :
       {kChatPath, std::string("/v1/messages"), std::string("/v1/completions"),
        std::string("/v1/responses"), std::string("/tokenize"), std::string("/v1/embeddings"),
        std::string("/apply-template")})
    for (const std::string& body : bad) {
      SCOPED_TRACE(path + " " + body);
      const Reply reply = client.post(path, body);
      EXPECT_EQ(reply.status, 400) << reply.body;
      EXPECT_NE(reply.body.find("error"), std::string::npos);
    }
  EXPECT_EQ(router.count(), 0U);
}

TEST_F(RequestTest, CompressedBodiesAreRefused) {
  start();
  const Reply reply = connect().post("/tokenize", "{}", "Content-Encoding: gzip\r\n");
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("Content-Encoding"), std::string::npos);
}

TEST_F(RequestTest, HeadHasTheHeadersAlone) {
  start();
  Client client = connect();
  for (const std::string path : {"/", "/api/version", "/api/tags", "/v1/models", "/health"}) {
    client.send("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const Reply reply = client.read(false);
    EXPECT_EQ(reply.status, 200) << path;
    EXPECT_NE(reply.header("Content-Length"), "0");
  }
  EXPECT_EQ(client.get("/").body, "handmill is running");
}

TEST_F(RequestTest, ModelsAreListedAndFound) {
  start();
  Client client = connect();
  EXPECT_NE(client.get("/v1/models").body.find("lib/wheel:7b"), std::string::npos);
  EXPECT_NE(client.get("/v1/models/mill").body.find("\"id\":\"mill\""), std::string::npos);
  EXPECT_NE(client.get("/v1/models/lib%2Fwheel%3a7b").body.find("lib/wheel"), std::string::npos);
  EXPECT_EQ(client.get("/v1/models/lib/wheel:7b").status, 200);
  EXPECT_EQ(client.get("/v1/models/none").status, 404);
  EXPECT_EQ(client.get("/v1/models/").status, 404);
  EXPECT_EQ(client.get("/v1/models/a%2").status, 400);
  EXPECT_NE(client.get("/api/tags").body.find("mill"), std::string::npos);
  const std::string loaded = client.get("/api/ps").body;
  EXPECT_NE(loaded.find("mill"), std::string::npos);
  EXPECT_EQ(loaded.find("wheel"), std::string::npos);
  EXPECT_EQ(client.post("/api/show", R"({"model":"none"})").status, 404);
}

TEST_F(RequestTest, TokensAndTemplates) {
  start();
  Client client = connect();
  EXPECT_NE(client.post("/tokenize", R"({"content":"AB"})").body.find("[65,66]"),
            std::string::npos);
  EXPECT_NE(client.post("/detokenize", R"({"tokens":[65,66]})").body.find("AB"), std::string::npos);
  const std::string messages = R"({"messages":[{"role":"user","content":"Hi"}]})";
  EXPECT_NE(client.post("/apply-template", messages).body.find("<user>Hi"), std::string::npos);
  const Reply count = client.post("/v1/messages/count_tokens", messages);
  EXPECT_NE(count.body.find("{\"input_tokens\":"), std::string::npos) << count.body;
  EXPECT_EQ(client.post("/tokenize", R"({"model":"none","content":"AB"})").status, 404);
}

TEST_F(RequestTest, OllamaLoadsAndUnloads) {
  start();
  Client client = connect();
  Reply reply = client.post("/api/generate", R"({"model":"mill","keep_alive":60})");
  EXPECT_NE(reply.body.find(R"("done_reason":"load")"), std::string::npos) << reply.body;
  EXPECT_TRUE(router.wait_for_note("preload mill 60000"));
  reply = client.post("/api/chat", R"({"model":"mill","messages":[],"keep_alive":0})");
  EXPECT_NE(reply.body.find(R"("done_reason":"unload")"), std::string::npos) << reply.body;
  EXPECT_TRUE(router.wait_for_note("unload mill"));
  EXPECT_EQ(client.post("/api/generate", R"({"model":"none"})").status, 404);
  EXPECT_EQ(client.post("/api/generate", R"({"model":"none","keep_alive":0})").status, 404);
}

TEST_F(RequestTest, TheStoreIsRefusedByName) {
  start();
  Client client = connect();
  for (const std::string path :
       {"/api/pull", "/api/push", "/api/create", "/api/copy", "/api/blobs/sha256:00"}) {
    const Reply reply = client.post(path, R"({"model":"mill"})");
    EXPECT_EQ(reply.status, 400) << path;
    EXPECT_NE(reply.body.find(path.substr(0, 10)), std::string::npos) << reply.body;
  }
  client.send("DELETE /api/delete HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(client.read().status, 400);
}

TEST_F(RequestTest, RequestsSentAheadAreAnsweredInOrder) {
  start();
  Client client = connect();
  const std::string host = "Host: localhost\r\n";
  client.send("POST /v1/chat/completions HTTP/1.1\r\n" + host +
              "Content-Length: " + std::to_string(kStreamBody.size()) + "\r\n\r\n" + kStreamBody +
              "GET /version HTTP/1.1\r\n" + host + "\r\nGET /nothing HTTP/1.1\r\n" + host +
              "\r\nPOST /tokenize HTTP/1.1\r\n" + host + "Content-Length: 16\r\n\r\n{\"content\":");
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hello");
  router.end(0);
  Reply reply = client.read();
  EXPECT_TRUE(reply.whole);
  EXPECT_NE(reply.body.find("[DONE]"), std::string::npos);
  EXPECT_NE(client.read().body.find("\"version\""), std::string::npos);
  EXPECT_EQ(client.read().status, 404);
  client.send("\"AB\"}");
  EXPECT_NE(client.read().body.find("[65,66]"), std::string::npos);
}

TEST_F(RequestTest, BytesAheadDoNotHideThatAClientLeaves) {
  start();
  Client client = connect();
  client.begin_post(kChatPath, kStreamBody);
  client.send("GET /version HTTP/1.1\r\n");
  ASSERT_TRUE(router.wait_for(1));
  client.close();
  EXPECT_TRUE(router.wait_for_cancel(0));
}

TEST_F(RequestTest, ABodyMayWaitForLeave) {
  start();
  Client client = connect();
  client.send(
      "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 16\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send(R"({"content":"AB"})");
  EXPECT_NE(client.read().body.find("[65,66]"), std::string::npos);
  Client refused = connect();
  refused.send(
      "POST /nothing HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 16\r\n\r\n");
  EXPECT_EQ(refused.read().status, 404);
  EXPECT_TRUE(refused.closed());
}

TEST_F(RequestTest, BodiesComeInPiecesOfAnySize) {
  start();
  Client client = connect();
  const std::string request =
      "\r\nPOST /tokenize?x=1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;a=b\r\n{\"con\r\nb\r\ntent\":\"AB\"}\r\n0\r\nTrailer: x\r\n\r\n";
  for (const char c : request) client.send({&c, 1});
  EXPECT_NE(client.read().body.find("[65,66]"), std::string::npos);
  EXPECT_EQ(client.get("/version").status, 200);
}

TEST_F(RequestTest, OldClientsGetAnEndInsteadOfChunks) {
  start();
  Client client = connect();
  client.send("POST /v1/chat/completions HTTP/1.0\r\nContent-Length: " +
              std::to_string(kStreamBody.size()) + "\r\n\r\n" + kStreamBody);
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hello");
  router.end(0);
  const Reply reply = client.read();
  EXPECT_EQ(reply.header("Transfer-Encoding"), "");
  EXPECT_TRUE(reply.whole);
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n")) << reply.body;
}

}  // namespace
}  // namespace handmill::serve
