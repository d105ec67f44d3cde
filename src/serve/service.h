// What all requests of a server share. Lives as long as the last request of it, which may be longer
// than the server: a model tells the end of a cancelled answer when it comes to it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "router/router.h"
#include "serve/guard.h"
#include "serve/keys.h"
#include "serve/limits.h"
#include "serve/metrics.h"
#include "serve/net.h"
#include "serve/workers.h"

namespace handmill::serve {

struct Service {
  using Log = std::function<void(std::string_view line)>;

  Service(router::Router& the_router, const Limits& the_limits, Keys the_keys, Guard the_guard,
          int worker_threads, Log the_log)
      : router(the_router),
        limits(the_limits),
        keys(std::move(the_keys)),
        guard(std::move(the_guard)),
        workers(worker_threads),
        log_(std::move(the_log)) {}

  router::Router& router;  // alive until stop()
  const Limits limits;
  const Keys keys;
  const Guard guard;
  Metrics metrics;
  Loop loop;
  Workers workers;
  std::atomic<bool> draining{false};
  std::atomic<int> connections{0};
  std::atomic<uint64_t> refused{0};
  std::atomic<size_t> buffered{0};  // bytes of bodies and output

  /// One line, from any thread.
  void log(std::string_view line) {
    const std::lock_guard lock(log_mutex_);
    if (log_) log_(line);
  }
  /// Nothing runs any more, and nothing that comes late has an effect outside.
  void stop() {
    workers.stop();
    loop.stop();
    const std::lock_guard lock(log_mutex_);
    log_ = nullptr;
  }

 private:
  std::mutex log_mutex_;
  Log log_;
};

/// A part of Service::buffered, given back with its object.
class Share {
 public:
  explicit Share(std::shared_ptr<Service> service) : service_(std::move(service)) {}
  ~Share() { set(0); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  void set(size_t bytes) {
    service_->buffered.fetch_add(bytes - bytes_, std::memory_order_relaxed);  // wraps as it should
    bytes_ = bytes;
  }
  bool fits(size_t more) const {
    return service_->buffered.load(std::memory_order_relaxed) + more <=
           service_->limits.buffered_bytes;
  }

 private:
  std::shared_ptr<Service> service_;
  size_t bytes_ = 0;
};

inline constexpr std::string_view kVersion = HANDMILL_VERSION;

}  // namespace handmill::serve
