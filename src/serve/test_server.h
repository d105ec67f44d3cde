// A server in front of a FakeRouter, and what it has logged. For the tests of this room.
#pragma once

#include <condition_variable>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serve/fake_router.h"
#include "serve/server.h"
#include "serve/test_client.h"

namespace handmill::serve {

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options.port = 0;
    options.log = [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(line);
      logged_.notify_all();
    };
  }
  ~ServerTest() override { server.reset(); }

  int start() {
    auto made = Server::make(options, router);
    if (!made.ok()) {
      ADD_FAILURE() << made.error().message;
      std::abort();
    }
    server = std::move(*made);
    return server->port();
  }
  Client connect() { return Client(server->port()); }
  static std::string metric_of(const std::string& text, const std::string& name) {
    const size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return {};
    const size_t start = at + name.size() + 2;
    return text.substr(start, text.find('\n', start) - start);
  }
  std::string metric(const std::string& name) {
    return metric_of(connect().get("/metrics").body, name);
  }
  /// Asks for the metric until it is `value`.
  bool wait_for_metric(const std::string& name, const std::string& value) {
    const auto end = Clock::now() + std::chrono::seconds(30);
    while (Clock::now() < end)
      if (metric(name) == value) return true;
    return false;
  }
  /// The first line with `part` in it; waits for it for some seconds.
  std::string line_with(const std::string& part) {
    std::unique_lock lock(mutex_);
    std::string found;
    logged_.wait_for(lock, std::chrono::seconds(30), [&] {
      for (const std::string& line : lines_)
        if (line.find(part) != std::string::npos) found = line;
      return !found.empty();
    });
    return found;
  }
  size_t line_count(const std::string& part) {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const std::string& line : lines_) count += line.find(part) != std::string::npos ? 1 : 0;
    return count;
  }

  Options options;
  FakeRouter router;
  std::unique_ptr<Server> server;

 private:
  std::mutex mutex_;
  std::condition_variable logged_;
  std::vector<std::string> lines_;
};

inline const std::string kChatBody =
    R"({"model":"mill","messages":[{"role":"user","content":"Hi"}]})";
inline const std::string kStreamBody =
    R"({"model":"mill","stream":true,"messages":[{"role":"user","content":"Hi"}]})";
inline const std::string kChatPath = "/v1/chat/completions";

}  // namespace handmill::serve
