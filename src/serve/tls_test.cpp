// The same server behind TLS, with a certificate that the test makes.
#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/ssl.h>

#include "base/self_signed.h"
#include "base/temp_folder.h"
#include "serve/test_server.h"

namespace handmill::serve {
namespace {

/// A client's side of TLS over a raw connection.
class TlsClient {
 public:
  explicit TlsClient(int port)
      : client_(port),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        ssl_(SSL_new(context_.get()), SSL_free) {
    SSL_set_fd(ssl_.get(), client_.socket());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  bool connected() const { return connected_; }
  bool send(const std::string& text) {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
  }
  /// All up to `mark`, or to the end.
  std::string read_to(const std::string& mark) {
    std::array<char, 1024> buffer{};
    std::string got;
    while (got.find(mark) == std::string::npos) {
      const int bytes = SSL_read(ssl_.get(), buffer.data(), buffer.size());
      if (bytes <= 0) break;
      got.append(buffer.data(), static_cast<size_t>(bytes));
    }
    return got;
  }
  /// Whether the server has ended its side as TLS wants it.
  bool closed() {
    read_to("never");
    return SSL_get_error(ssl_.get(), 0) == SSL_ERROR_ZERO_RETURN;
  }
  void leave() { client_.close(); }

 private:
  Client client_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool connected_ = false;
};

class TlsTest : public ServerTest {
 protected:
  TlsTest() {
    const base::Key key = base::new_key();
    options.tls_key = folder_.file("key.pem", base::pem_of(key));
    options.tls_certificate = folder_.file("cert.pem", base::certificate_of(key));
  }
  base::TempFolder folder_;
};

std::string stream_request() {
  return "POST " + kChatPath +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(kStreamBody.size()) +
         "\r\n\r\n" + kStreamBody;
}

TEST_F(TlsTest, StreamsAndGoesOn) {
  start();
  EXPECT_TRUE(server->url().starts_with("https://"));
  TlsClient client(server->port());
  ASSERT_TRUE(client.connected());
  client.send(stream_request());
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hello");
  EXPECT_NE(client.read_to("Hello").find("200 OK"), std::string::npos);
  router.end(0);
  EXPECT_NE(client.read_to("\r\n0\r\n\r\n").find("[DONE]"), std::string::npos);
  client.send("GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.read_to("}").find("200 OK"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST_F(TlsTest, AClientThatLeavesCancels) {
  start();
  TlsClient client(server->port());
  ASSERT_TRUE(client.connected());
  client.send(stream_request());
  ASSERT_TRUE(router.wait_for(1));
  router.start(0);
  router.text(0, "Hello");
  ASSERT_NE(client.read_to("Hello").find("200 OK"), std::string::npos);
  client.leave();
  EXPECT_TRUE(router.wait_for_cancel(0));
}

TEST_F(TlsTest, WhoNeverShakesHandsIsDropped) {
  options.limits.header_wait = Milliseconds(200);
  start();
  Client silent(server->port());
  EXPECT_TRUE(silent.closed());
  Client plain(server->port());
  plain.send("GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(plain.closed());
}

TEST_F(TlsTest, BadFilesAreNamed) {
  const std::string key = options.tls_key;
  options.tls_key = folder_.file("other.pem", base::pem_of(base::new_key()));
  auto made = Server::make(options, router);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("other.pem"), std::string::npos) << made.error().message;
  options.tls_key = key;
  options.tls_certificate = folder_ / "none.pem";
  made = Server::make(options, router);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("none.pem"), std::string::npos);
  options.tls_certificate = {};
  EXPECT_FALSE(Server::make(options, router).ok());
}

}  // namespace
}  // namespace handmill::serve
