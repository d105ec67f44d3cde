// One request on its way: a socket that never blocks, what is still to be sent, and what came back.
#pragma once

#include <string>
#include <string_view>

#include "load/client.h"
#include "load/stream.h"

namespace handmill::load {

class Connection {
 public:
  /// Begins to connect. Where that fails at once, ended() is true.
  Connection(const Target& target, const Plan& plan, int number, double arrival_s);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  int number() const { return number_; }
  const std::optional<Leave>& leave() const { return asked_.leave; }
  bool ended() const { return ended_; }
  bool sending() const { return sent_ < request_.size(); }
  Outcome take_outcome() { return std::move(outcome_); }

  /// The socket can be written, or read, at time `now_s`.
  void on_writable(double now_s);
  void on_readable(double now_s);
  /// The client goes away, as its plan has it.
  void go(double now_s);
  void fail(std::string kind, std::string detail, double now_s);

 private:
  void on_piece(std::string_view data, double now_s);
  void finish(double now_s);
  std::string told() const;
  void close();

  int fd_ = -1, number_ = 0;
  Asked asked_;
  Outcome outcome_;
  std::string request_;
  size_t sent_ = 0;
  bool ended_ = false, done_ = false, usage_ = false;
  HttpReader http_;
  EventReader events_;
  std::string body_;     // of an answer that is no stream, its begin
  std::string problem_;  // what an event said or was
};

}  // namespace handmill::load
