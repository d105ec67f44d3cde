// The languages that clients speak: a body becomes a neutral request, and neutral events become the
// bytes of the reply. Pure translation: no sockets, no clock, no engine. A dialect is a few files
// and a row in serve's table of routes.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/event.h"
#include "api/request.h"
#include "base/result.h"

namespace handmill::api {

/// Result of reading what a client sent: a value, or the Fault to answer with.
template <class T>
using Read = std::variant<T, Fault>;

/// What a reply says of itself, given by the server so that translation stays pure.
struct Identity {
  std::string id;          // unique part: "chatcmpl-" + id
  int64_t created_ns = 0;  // since 1970, UTC
  std::string model;       // the API name of the model that answers
  std::string version;     // of handmill
};

/// Turns the events of one request into the bytes of its reply, in this order: begin, then deltas
/// and choice ends as they come, then finish or fail. Each appends to `out` what can be sent now;
/// a reply that does not stream appends once, in finish. Not shared between threads.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual bool streams() const = 0;
  /// "application/json", "text/event-stream", "application/x-ndjson".
  virtual std::string_view content_type() const = 0;
  /// A line that keeps the connection alive while a long prompt is read; empty: none is possible.
  virtual std::string_view ping() const { return {}; }

  /// Before the first delta, when the first token is there or the request has ended without one.
  virtual void begin(const Identity& identity, const Usage& usage, std::string& out) = 0;
  virtual void delta(Delta delta, std::string& out) = 0;
  virtual void end(ChoiceEnd end, std::string& out) = 0;
  virtual void finish(const End& end, std::string& out) = 0;
  /// After begin, in a reply that streams. Before begin, or where nothing was streamed yet, the
  /// server answers with error_body instead.
  virtual void fail(const Fault& fault, std::string& out) = 0;
};

/// A request and the way to answer it.
struct Asked {
  Completion completion;
  std::unique_ptr<Reply> reply;
  std::vector<std::string> ignored;  // unknown or neutral fields that were passed over, for the log
};

enum class Dialect { kOpenAI, kOllama, kAnthropic };
std::string error_body(Dialect dialect, const Fault& fault);

}  // namespace handmill::api
