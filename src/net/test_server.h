// A server of this room's tests on 127.0.0.1: a function says, in raw bytes, what each request
// gets.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace handmill::net {

/// The server's side of a connection.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}
  int socket() const { return socket_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  /// A head, with the length of a body that is sent too.
  bool answer(int status, const std::string& body, const std::string& headers = {}) {
    return send("HTTP/1.1 " + std::to_string(status) + " Said\r\n" + headers +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  /// A request with its body; empty once the client has left.
  std::string read() {
    while (true) {
      const size_t head = got_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const size_t at = got_.find("Content-Length: ");
        const size_t bytes = at < head ? std::strtoul(got_.c_str() + at + 16, nullptr, 10) : 0;
        if (got_.size() >= head + 4 + bytes) {
          std::string request = got_.substr(0, head + 4 + bytes);
          got_.erase(0, request.size());
          return request;
        }
      }
      if (!more()) return {};
    }
  }
  /// Says nothing until the client leaves.
  void wait_for_leave() {
    while (more()) {
    }
    left = true;
  }

  bool left = false;
  bool keep = true;  // for the next request

 private:
  bool more() {
    char buffer[4096];
    const ssize_t bytes = ::recv(socket_, buffer, sizeof buffer, 0);
    if (bytes > 0) got_.append(buffer, static_cast<size_t>(bytes));
    return bytes > 0;
  }
  int socket_;
  std::string got_;
};

class TestServer {
 public:
  using Answer = std::function<void(Peer& peer, const std::string& request)>;

  /// `raw`: the function gets connections, and reads requests itself.
  explicit TestServer(Answer answer, bool raw = false) : answer_(std::move(answer)), raw_(raw) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* where = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listening_, where, bytes) != 0 || ::listen(listening_, 16) != 0 ||
        ::getsockname(listening_, where, &bytes) != 0)
      std::abort();
    port_ = ntohs(address.sin_port);
    // Its threads alone ignore that a client has left; the client is to cope by itself.
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    accepting_ = std::thread([this] { accept(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~TestServer() {
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    ::close(listening_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
    for (const int socket : sockets_) ::close(socket);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int connections() const { return connections_; }

 private:
  void accept() {
    while (true) {
      const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      ++connections_;
      sockets_.push_back(socket);
      threads_.emplace_back([this, socket] { serve(socket); });
    }
  }
  void serve(int socket) {
    Peer peer(socket);
    if (raw_) return answer_(peer, {});
    while (peer.keep && !peer.left) {
      const std::string request = peer.read();
      if (request.empty()) break;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      answer_(peer, request);
    }
    ::shutdown(socket, SHUT_RDWR);
  }

  Answer answer_;
  bool raw_;
  int listening_ = -1;
  int port_ = 0;
  std::thread accepting_;
  std::atomic<int> connections_{0};
  std::vector<int> sockets_;          // the accepting thread's, until it has ended
  std::vector<std::thread> threads_;  // likewise
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
};

/// What a request's first line asks for.
inline std::string path_of(const std::string& request) {
  const size_t begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

}  // namespace handmill::net
