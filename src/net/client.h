// An HTTP(S) client over libcurl: one request at a time, its answer streamed as it comes. Proxies
// are those of the usual environment (http_proxy, https_proxy, all_proxy, no_proxy); TLS is always
// verified, against the certificates of the system or of the file that SSL_CERT_FILE names. Nothing
// is decompressed. Faults of the network are Errors that name the host and the cause; a status is
// none, for its meaning is the caller's (`status_error` puts it into words).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::net {

using Milliseconds = std::chrono::milliseconds;

struct Header {
  std::string name;
  std::string value;
};

struct ByteRange {
  uint64_t first = 0;
  uint64_t bytes = 0;  // at least 1; fewer come where the resource ends
};

struct Request {
  std::string url;
  std::vector<Header> headers = {};
  /// Headers for the scheme, host and port of `url` alone: a redirect elsewhere goes without them.
  std::vector<Header> secrets = {};
  std::optional<ByteRange> range = {};
  /// Makes it a POST, which follows no redirect. Its Content-Type is among the headers.
  std::optional<std::string> body = {};
};

/// Which bytes a 206 brings, both ends included, and of how many.
struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;
  std::optional<uint64_t> total = {};
};

struct Response {
  int status = 0;
  std::string url;              // that answered, after redirects
  std::vector<Header> headers;  // names in lower case
  std::optional<ContentRange> range;
  uint64_t bytes = 0;    // of the body, as far as it came
  std::string body;      // from fetch() alone
  bool stopped = false;  // by the sink, before the end

  /// The first value of a header (its name in lower case), or empty.
  std::string_view header(std::string_view name) const;
};

/// Gets the body piece by piece, with what is known of the answer by then (status and headers are
/// whole). false stops it. Runs on the caller's thread; not for the bodies of redirects.
using Sink = std::function<bool(const Response& so_far, std::string_view piece)>;

struct Options {
  Milliseconds connect_wait{15'000};  // for name, connection and TLS together
  Milliseconds idle_wait{60'000};     // without a byte either way, once connected
  Milliseconds total_wait{0};         // for all of a request; 0: no bound
  /// How many redirects a GET follows; with 0 a redirect's own answer comes back. From https to
  /// http none leads.
  int redirects_max = 5;
  uint64_t header_bytes_max = 256 << 10;
  std::string agent;    // "handmill/VERSION" where empty
  std::string ca_file;  // certificates in PEM instead of the system's
  /// Asked some ten times a second; true ends the request with an Error.
  std::function<bool()> cancelled = {};
};

/// Keeps its connections for the next request. Moves, does not copy; one thread at a time.
class Client {
 public:
  static Result<Client> make(Options options = {});
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  ~Client();

  /// Of a body that ends before its length, and of a 206 for another range than the one asked for,
  /// an Error. A server may answer a range with 200 and the whole: look at the status.
  Result<Response> stream(const Request& request, const Sink& sink);
  /// The body in one piece; kLimit where it is larger than `bytes_max`.
  Result<Response> fetch(const Request& request, uint64_t bytes_max);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A status that is not what was asked for, in words: the address without its query, the number,
/// and what a short text in its body says. kNotFound for 404 and 410, otherwise kIo.
Error status_error(const Response& response);

/// A Content-Range's value ("bytes 0-99/1234", "bytes 0-99/*"); nothing where it says anything
/// else.
std::optional<ContentRange> parse_content_range(std::string_view value);

}  // namespace handmill::net
