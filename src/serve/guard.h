// Which pages and which names a server answers to, so that no web page in the user's own browser
// can drive it: by a name of its own that points here (DNS rebinding), or from its own origin.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace handmill::serve {

class Guard {
 public:
  /// `loopback`: the server listens on the loopback alone, and so answers to the names of this
  /// machine alone. `origins` and `hosts` are allowed beside the usual ones; '*' in an origin
  /// stands for anything.
  Guard(bool loopback, std::vector<std::string> origins, std::vector<std::string> hosts);

  /// A Host header's value.
  bool host_allowed(std::string_view host) const;
  /// An Origin header's value; a page of this server itself has its Host in it.
  bool origin_allowed(std::string_view origin, std::string_view host) const;

 private:
  bool loopback_;
  std::vector<std::string> origins_;
  std::vector<std::string> hosts_;  // lower case
};

/// Whether `text` fits a pattern in which '*' stands for anything; letter case does not matter.
bool fits(std::string_view pattern, std::string_view text);

}  // namespace handmill::serve
