// One request to one address and its answer, without redirects: libcurl's callbacks, held against
// the limits of a Client. Serves client.cpp alone, and is with url.cpp the only door to libcurl.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "base/result.h"
#include "net/client.h"
#include "net/url.h"

namespace handmill::net {

using Clock = std::chrono::steady_clock;

/// libcurl's handles. The connections that wait for a next request live in them.
class Handles {
 public:
  static Result<std::unique_ptr<Handles>> make();
  ~Handles();
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  void* multi() const { return multi_; }
  void* easy() const { return easy_; }

 private:
  Handles() = default;
  void* multi_ = nullptr;
  void* easy_ = nullptr;
};

struct Exchange {
  const Options& options;
  const Request& request;
  const Url& url;
  bool with_secrets;
  bool follows;  // the body of a redirect is not for the sink
  Clock::time_point end;
};

Result<Response> run(const Handles& handles, const Exchange& exchange, const Sink& sink);

/// A status of those that lead elsewhere by a Location.
bool is_redirect(int status);

}  // namespace handmill::net
