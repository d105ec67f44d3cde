// Addresses of the web: checked, taken apart, and resolved against one another (RFC 3986). Only
// http and https, and never with a user and password inside, which would end up in logs.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace handmill::net {

struct Url {
  std::string text;    // the whole
  std::string scheme;  // "http" or "https"
  std::string host;    // as written: a name, an address, or "[::1]"
  std::string port;    // always there: 80 and 443 where none is written

  /// Whom a secret is for: scheme, host and port.
  std::string origin() const { return scheme + "://" + host + ":" + port; }
  /// The host for a message, with its port where that is not the scheme's own.
  std::string place() const;
};

Result<Url> parse_url(std::string_view text);
/// What `reference`, absolute or relative, means at `base`.
Result<Url> resolve(const Url& base, std::string_view reference);

/// "a b/c" as one piece of a path: "a%20b%2Fc".
std::string path_piece(std::string_view text);

}  // namespace handmill::net
