#include "load/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace handmill::load {
namespace {

constexpr size_t kBodyKept = 2000;

std::string system_error(int number) { return std::strerror(number); }

int connect_to(const Target& target, int fd) {
  if (target.v6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(target.port);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(target.address);
  address.sin_port = htons(target.port);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

Connection::Connection(const Target& target, const Plan& plan, int number, double arrival_s)
    : number_(number), asked_(plan.request(number)) {
  outcome_.arrival_s = arrival_s;
  outcome_.asked_tokens = asked_.output_tokens;
  request_ = fmt::format(
      "POST {}{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      target.prefix, plan.path(), target.host, asked_.body.size(), asked_.body);
  fd_ = ::socket(target.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd_ >= 0) ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fd_ < 0 || (connect_to(target, fd_) != 0 && errno != EINPROGRESS))
    fail(system_error(errno), "", arrival_s);
}

Connection::~Connection() { close(); }

void Connection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Connection::on_writable(double now_s) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(system_error(error), "", now_s);
  const ssize_t count = ::send(fd_, request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
  if (count >= 0) {
    sent_ += static_cast<size_t>(count);
  } else if (errno != EAGAIN && errno != EINTR) {
    // A server may refuse before it has read everything; its answer says why.
    sent_ = request_.size();
  }
}

void Connection::on_readable(double now_s) {
  char buffer[16 << 10];
  const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return fail(system_error(errno), "", now_s);
  }
  if (count == 0) {
    if (!http_.whole_at_close()) return fail("cut off", told(), now_s);
    return finish(now_s);
  }
  Status events_read;
  const Status read = http_.take({buffer, static_cast<size_t>(count)}, [&](std::string_view body) {
    if (http_.status() != 200) {
      body_ += body.substr(0, kBodyKept - std::min(kBodyKept, body_.size()));
    } else if (events_read.ok() && !ended_) {
      events_read = events_.take(body, [&](std::string_view data) { on_piece(data, now_s); });
    }
  });
  if (ended_) return;  // the client went away at a piece
  if (!read.ok()) return fail("broken HTTP", read.error().message, now_s);
  if (!events_read.ok()) return fail("broken event", events_read.error().message, now_s);
  if (http_.whole()) finish(now_s);
}

void Connection::on_piece(std::string_view data, double now_s) {
  if (ended_) return;
  Result<Piece> piece = read_piece(data);
  if (!piece.ok()) return fail("broken event", piece.error().message, now_s);
  done_ |= piece->done;
  if (!piece->error.empty()) problem_ = piece->error;
  if (piece->prompt_tokens && piece->completion_tokens) {
    usage_ = true;
    outcome_.prompt_tokens = *piece->prompt_tokens;
    outcome_.completion_tokens = *piece->completion_tokens;
    outcome_.cached_tokens = piece->cached_tokens.value_or(0);
  }
  if (!piece->text) return;
  if (outcome_.pieces++ == 0)
    outcome_.first_s = now_s;
  else
    outcome_.gaps_s.push_back(now_s - outcome_.last_s);
  outcome_.last_s = now_s;
  if (asked_.leave && !asked_.leave->after_s && outcome_.pieces >= asked_.leave->pieces) go(now_s);
}

/// What the server said in an answer that is no stream.
std::string Connection::told() const {
  Result<Piece> piece = read_piece(body_);
  return piece.ok() && !piece->error.empty() ? piece->error : body_.substr(0, 200);
}

void Connection::finish(double now_s) {
  if (http_.status() != 200)
    return fail(
        fmt::format("http {}{}", http_.status(),
                    http_.status() == 503 && !http_.retry_after() ? ", no Retry-After" : ""),
        told(), now_s);
  if (!problem_.empty()) return fail("error in the stream", problem_, now_s);
  if (!done_) return fail("cut off", "no [DONE]", now_s);
  if (!usage_) return fail("no usage", "", now_s);
  if (outcome_.completion_tokens != outcome_.asked_tokens)
    return fail("other length",
                fmt::format("{} tokens, and {} were asked for", outcome_.completion_tokens,
                            outcome_.asked_tokens),
                now_s);
  outcome_.kind = Outcome::Kind::kWhole;
  outcome_.end_s = now_s;
  ended_ = true;
  close();
}

void Connection::go(double now_s) {
  outcome_.kind = Outcome::Kind::kLeft;
  outcome_.end_s = now_s;
  ended_ = true;
  if (asked_.leave && asked_.leave->reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close();
}

void Connection::fail(std::string kind, std::string detail, double now_s) {
  outcome_.kind = Outcome::Kind::kFailed;
  outcome_.error = std::move(kind);
  outcome_.detail = std::move(detail);
  outcome_.end_s = now_s;
  ended_ = true;
  close();
}

}  // namespace handmill::load
