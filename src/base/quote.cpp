// The escaping of untrusted text for messages. Invariant: the result is one line of printable ASCII
// (but for the "…" of a cut), at most four bytes for one. Serves every room that names input in an
// error.
#include "base/quote.h"

#include <fmt/format.h>

namespace handmill::base {

std::string quoted(std::string_view text, size_t bytes_max) {
  std::string out = "\"";
  for (char c : text.substr(0, bytes_max)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  out += '"';
  if (text.size() > bytes_max) out += fmt::format("… ({} bytes)", text.size());
  return out;
}

}  // namespace handmill::base
