// HTTP/1.1 as values: a request that was read, a reply to be written. No sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace handmill::serve {

struct Header {
  std::string name;  // of a request: in lower case
  std::string value;
};

struct HttpRequest {
  std::string method;
  std::string path;   // as written, before '?'
  std::string query;  // behind it
  int version = 11;
  bool keep_alive = true;
  bool has_body = false;
  std::vector<Header> headers;
  std::string body;

  /// The first header of that (lower case) name, or empty.
  std::string_view header(std::string_view name) const;
  size_t count(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<Header> headers = {};
};

/// How a reply's end is told.
enum class Framing { kLength, kChunked, kClose };

/// Status line and headers of a reply, the empty line included.
std::string response_head(const Response& response, Framing framing, bool keep_alive);

/// A piece of a chunked body, appended to `out`. REQUIRES: not empty.
void append_chunk(std::string_view bytes, std::string& out);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string lower_case(std::string_view text);
/// "%2F" as '/'; none where a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace handmill::serve
