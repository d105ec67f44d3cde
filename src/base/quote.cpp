// The escaping of untrusted text for messages. Invariant: the result is one line of valid UTF-8
// without control characters, at most four bytes for one. Serves every room that names input in an
// error.
#include "base/quote.h"

#include <cstdint>
#include <fmt/format.h>

namespace handmill::base {
namespace {

/// Bytes of the character that begins at text[i], and its code; 0 where none does (RFC 3629).
size_t read_character(std::string_view text, size_t i, uint32_t& code) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[i + k]); };
  const size_t length = byte(0) < 0x80 ? 1 : byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if ((byte(0) >= 0x80 && byte(0) < 0xc2) || byte(0) > 0xf4 || text.size() - i < length) return 0;
  code = length == 1 ? byte(0) : byte(0) & (0x7fu >> length);
  for (size_t k = 1; k < length; ++k) {
    if ((byte(k) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(k) & 0x3fu);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < kLeast[length] || code > 0x10ffff || surrogate ? 0 : length;
}

/// Controls, and what changes the direction or the line of the text around it, or does not show.
bool acts_on_text(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         (code >= 0xfff9 && code <= 0xfffb) || code >= 0xe0000;
}

}  // namespace

std::string quoted(std::string_view text, size_t bytes_max) {
  std::string out = "\"";
  size_t i = 0;
  while (i < text.size()) {
    uint32_t code = 0;
    const size_t length = read_character(text, i, code);
    if (i + (length > 0 ? length : 1) > bytes_max) break;
    if (length == 0 || acts_on_text(code)) {
      const size_t end = i + (length > 0 ? length : 1);
      for (; i < end; ++i) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
      continue;
    }
    if (code == '"' || code == '\\') out += '\\';
    out += text.substr(i, length);
    i += length;
  }
  out += '"';
  if (i < text.size()) out += fmt::format("… ({} bytes)", text.size());
  return out;
}

}  // namespace handmill::base
