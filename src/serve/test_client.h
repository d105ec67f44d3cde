// A client of raw bytes: says exactly what a test wants said, as slowly and as wrongly as it likes,
// and reads what comes. Blocking, with a bound of some seconds. For the tests of this room.
#pragma once

#include <arpa/inet.h>
#include <cstdlib>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

#include "serve/http.h"

namespace handmill::serve {

struct Reply {
  int status = 0;  // 0: there was none
  std::string head;
  std::string body;  // chunks joined
  bool whole = false;
  /// A header's value, or empty.
  std::string header(std::string_view name) const {
    size_t at = head.find("\r\n");
    while (at != std::string::npos && at + 2 < head.size()) {
      const size_t end = head.find("\r\n", at + 2);
      const std::string_view line = std::string_view(head).substr(at + 2, end - at - 2);
      const size_t colon = line.find(": ");
      if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name))
        return std::string(line.substr(colon + 2));
      at = end;
    }
    return {};
  }
};

class Client {
 public:
  /// `receive_bytes`: of the kernel's buffer, for clients that do not read.
  explicit Client(int port, int receive_bytes = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_bytes > 0)
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(); }
  Client(Client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        got_(std::move(other.got_)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  int socket() const { return socket_; }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  /// Leaves without a goodbye: the other side gets a reset.
  void reset() {
    const linger none{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  /// Reads until `mark` has come, and gives all up to its end; empty where it never comes.
  std::string read_to(std::string_view mark) {
    while (true) {
      const size_t at = got_.find(mark);
      if (at != std::string::npos) return take(at + mark.size());
      if (!more()) return {};
    }
  }
  /// Whether the other side closes, after whatever it still says.
  bool closed() {
    while (more()) {
    }
    return ended_;
  }
  Reply read(bool has_body = true) {
    Reply reply;
    reply.head = read_to("\r\n\r\n");
    if (reply.head.size() < 12) return reply;
    reply.status = std::atoi(reply.head.c_str() + 9);
    if (!has_body || reply.status == 204 || reply.status == 100) {
      reply.whole = true;
      return reply;
    }
    if (reply.header("Transfer-Encoding") == "chunked") return read_chunks(std::move(reply));
    const std::string length = reply.header("Content-Length");
    if (length.empty()) {
      reply.whole = closed();
      reply.body = std::exchange(got_, {});
      return reply;
    }
    const size_t bytes = std::strtoul(length.c_str(), nullptr, 10);
    while (got_.size() < bytes && more()) {
    }
    reply.whole = got_.size() >= bytes;
    reply.body = take(std::min(bytes, got_.size()));
    return reply;
  }

  Reply get(const std::string& path, const std::string& headers = {}) {
    send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return read();
  }
  void begin_post(const std::string& path, const std::string& body,
                  const std::string& headers = {}) {
    send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  Reply post(const std::string& path, const std::string& body, const std::string& headers = {}) {
    begin_post(path, body, headers);
    return read();
  }

 private:
  std::string take(size_t bytes) {
    std::string out = got_.substr(0, bytes);
    got_.erase(0, bytes);
    return out;
  }
  bool more() {
    char buffer[4096];
    const ssize_t bytes = ::recv(socket_, buffer, sizeof buffer, 0);
    if (bytes > 0) got_.append(buffer, static_cast<size_t>(bytes));
    if (bytes == 0 || (bytes < 0 && errno == ECONNRESET)) ended_ = true;
    return bytes > 0;
  }
  Reply read_chunks(Reply reply) {
    while (true) {
      const std::string size_line = read_to("\r\n");
      if (size_line.empty()) return reply;
      const size_t bytes = std::strtoul(size_line.c_str(), nullptr, 16);
      while (got_.size() < bytes + 2 && more()) {
      }
      if (got_.size() < bytes + 2) return reply;
      reply.body += take(bytes);
      take(2);
      if (bytes != 0) continue;
      reply.whole = true;
      return reply;
    }
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  std::string got_;
};

}  // namespace handmill::serve
