// The HTTP server in front of a router: many connections on one thread, a few workers for what
// takes longer. Safe where it stands: answers to this machine alone unless told otherwise, and then
// to nobody without a key.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "router/router.h"
#include "serve/keys.h"
#include "serve/limits.h"

namespace handmill::serve {

struct Options {
  std::string host = "127.0.0.1";
  int port = 11435;  // 0: a free one
  Keys keys;         // REQUIRED to listen on anything but the loopback
  std::vector<std::string> allow_origins, allow_hosts;
  std::string tls_certificate, tls_key;  // PEM files; both or none
  Limits limits;
  int workers = 2;
  std::function<void(std::string_view line)> log;  // one request each, from any thread
};

class Server {
 public:
  /// Listens, and serves from now on. `router` must outlive it.
  static Result<std::unique_ptr<Server>> make(Options options, router::Router& router);
  /// Ends everything at once.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;
  std::string url() const;  // "http://127.0.0.1:11435"

  /// No new connections and requests; answers on their way may end, for Limits::drain_wait.
  void drain();
  /// Whether it has drained: no connection is left.
  bool drained() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace handmill::serve
