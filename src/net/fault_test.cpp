// What the network does wrong, and how it is told: every error names the host and its cause.
#include <future>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "base/self_signed.h"
#include "base/temp_folder.h"
#include "net/client.h"
#include "net/test_server.h"

namespace handmill::net {
namespace {

class FaultTest : public testing::Test {
 protected:
  FaultTest() {
    ::setenv("no_proxy", "*", 1);
    ::unsetenv("SSL_CERT_FILE");
  }
  Result<Response> get(const std::string& url) {
    auto client = Client::make(options);
    if (!client.ok()) std::abort();
    return client->fetch({.url = url}, 1 << 20);
  }
  void expect_fault(const std::string& url, const std::string& words) {
    const auto response = get(url);
    ASSERT_FALSE(response.ok()) << words;
    EXPECT_NE(response.error().message.find(words), std::string::npos) << response.error().message;
    const size_t host = url.find("//") + 2;
    EXPECT_TRUE(response.error().message.starts_with(url.substr(host, 9)))
        << response.error().message;
  }
  Options options;
};

TEST_F(FaultTest, NoName) {
  // A label of 64 letters cannot be looked up, so this asks no name server.
  expect_fault("http://" + std::string(64, 'a') + ".invalid/", "DNS");
}

TEST_F(FaultTest, NobodyListens) {
  std::string url;
  {
    TestServer gone([](Peer&, const std::string&) {});
    url = gone.url();
  }
  expect_fault(url, "Connection refused");
}

TEST_F(FaultTest, Silence) {
  options.idle_wait = Milliseconds(100);
  TestServer silent([](Peer& peer, const std::string& request) {
    if (path_of(request) == "/mid") peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    peer.wait_for_leave();
  });
  expect_fault(silent.url(), "nothing came for 0.1 s, after 0 bytes");
  expect_fault(silent.url("/mid"), "nothing came for 0.1 s, after 3 bytes");
}

TEST_F(FaultTest, DripsForever) {
  options.total_wait = Milliseconds(200);
  TestServer dripping([](Peer& peer, const std::string&) {
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send("x")) std::this_thread::sleep_for(Milliseconds(5));
    peer.keep = false;
  });
  expect_fault(dripping.url(), "not done within 0.2 s");
}

TEST_F(FaultTest, Cancelled) {
  std::atomic<bool> flag{false};
  options.cancelled = [&] { return flag.load(); };
  TestServer server([&](Peer& peer, const std::string&) {
    flag = true;
    peer.wait_for_leave();
  });
  expect_fault(server.url(), "cancelled");
}

TEST_F(FaultTest, TruncatedBodies) {
  TestServer server([](Peer& peer, const std::string& request) {
    peer.keep = false;
    const std::string path = path_of(request);
    if (path == "/length") peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    if (path == "/chunks")
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf");
    if (path == "/head") peer.send("HTTP/1.1 200 OK\r\nContent-Le");
    if (path == "/other") peer.send("220 mail is spoken here\r\n");
  });
  expect_fault(server.url("/length"), "ends after 4 bytes");
  expect_fault(server.url("/chunks"), "ends after 4 bytes");
  expect_fault(server.url("/none"), "without an answer");
  expect_fault(server.url("/other"), "not HTTP");
  EXPECT_EQ(get(server.url("/head"))->header("content-length"), "");
}

TEST_F(FaultTest, Addresses) {
  for (const char* url : {"", "nonsense", "file:///etc/passwd", "ftp://127.0.0.1/"})
    EXPECT_FALSE(get(url).ok()) << url;
}

TEST_F(FaultTest, AProxyOfTheEnvironmentIsUsed) {
  TestServer proxy([](Peer& peer, const std::string&) { peer.answer(200, "through the proxy"); });
  ::setenv("no_proxy", "127.0.0.1", 1);
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  const auto response = get("http://far.invalid/x");
  ::unsetenv("http_proxy");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "through the proxy");
  EXPECT_TRUE(proxy.requests().at(0).starts_with("GET http://far.invalid/x "));
}

/// A server behind TLS with a certificate that it signed itself, for "localhost".
class TlsTest : public FaultTest {
 protected:
  TlsTest() : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    const base::Key key = base::new_key();
    const std::string pem = folder_.file("key.pem", base::pem_of(key));
    certificate_ = folder_.file("cert.pem", base::certificate_of(key));
    SSL_CTX_use_PrivateKey_file(context_.get(), pem.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_certificate_chain_file(context_.get(), certificate_.c_str());
  }
  std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(server_.port()) + "/";
  }
  void serve(Peer& peer) {
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl.get(), peer.socket());
    char buffer[4096];
    if (SSL_accept(ssl.get()) == 1 && SSL_read(ssl.get(), buffer, sizeof buffer) > 0) {
      constexpr std::string_view kAnswer =
          "HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\nContent-Length: 6\r\n\r\nsecret";
      SSL_write(ssl.get(), kAnswer.data(), kAnswer.size());
      SSL_shutdown(ssl.get());
    }
    ::shutdown(peer.socket(), SHUT_RDWR);
  }
  base::TempFolder folder_;
  std::string certificate_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  TestServer server_{[this](Peer& peer, const std::string&) { serve(peer); }, true};
};

TEST_F(TlsTest, AnUntrustedCertificateIsRefused) {
  expect_fault(url("localhost"), "TLS: SSL certificate problem: self-signed certificate");
}

TEST_F(TlsTest, ATrustedOneIsTakenForItsOwnNameAlone) {
  options.ca_file = certificate_;
  options.redirects_max = 0;
  const auto response = get(url("localhost"));
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "secret");
  expect_fault(url("127.0.0.1"), "TLS: SSL: ");
  options.ca_file = {};
  ::setenv("SSL_CERT_FILE", certificate_.c_str(), 1);
  EXPECT_TRUE(get(url("localhost")).ok());
}

TEST_F(TlsTest, NoRedirectLeadsOutOfTls) {
  options.ca_file = certificate_;
  expect_fault(url("localhost"), "from https to http");
}

TEST_F(TlsTest, WhereNobodySpeaksTlsItSaysSo) {
  TestServer deaf(
      [](Peer& peer, const std::string&) {
        peer.send("HTTP/1.1 400 Bad\r\n\r\n");
        peer.wait_for_leave();
      },
      true);
  expect_fault("https://127.0.0.1:" + std::to_string(deaf.port()) + "/", "TLS: ");
}

}  // namespace
}  // namespace handmill::net
