// Jinja2 turns a literal's non-ASCII characters into escapes before it decodes them all; the one
// visible consequence, a backslash before such a character, is kept.
#include "chat/jinja/string_literal.h"

#include "base/error.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Status hex_escape(std::string_view body, size_t& at, size_t digits, std::string& out) {
  char32_t code = 0;
  for (size_t i = 0; i < digits; ++i) {
    int v = at < body.size() ? hex_value(body[at]) : -1;
    if (v < 0) return base::invalid("truncated escape in a string");
    code = code << 4 | static_cast<char32_t>(v);
    ++at;
  }
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    return base::invalid("illegal Unicode character in a string");
  }
  append_utf8(out, code);
  return {};
}

void octal_escape(std::string_view body, size_t& at, std::string& out) {
  char32_t code = 0;
  for (int i = 0; i < 3 && at < body.size() && body[at] >= '0' && body[at] <= '7'; ++i, ++at) {
    code = code << 3 | static_cast<char32_t>(body[at] - '0');
  }
  append_utf8(out, code);
}

/// What "backslashreplace" makes of a character, without its backslash.
void spell_out(char32_t c, std::string& out) {
  out += c < 0x100     ? fmt::format("x{:02x}", static_cast<uint32_t>(c))
         : c < 0x10000 ? fmt::format("u{:04x}", static_cast<uint32_t>(c))
                       : fmt::format("U{:08x}", static_cast<uint32_t>(c));
}

Status escape(std::string_view body, size_t& at, std::string& out) {
  constexpr std::string_view kFrom = "\\'\"abfnrtv";
  constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
  char c = body[at];
  if (size_t i = kFrom.find(c); i != std::string_view::npos) {
    out += kTo[i];
    ++at;
  } else if (c == '\n') {
    ++at;
  } else if (c >= '0' && c <= '7') {
    octal_escape(body, at, out);
  } else if (c == 'x' || c == 'u' || c == 'U') {
    ++at;
    return hex_escape(body, at, c == 'x' ? 2 : c == 'u' ? 4 : 8, out);
  } else if (c == 'N') {
    return base::invalid("\\N escapes are not supported");
  } else if (static_cast<unsigned char>(c) < 0x80) {
    out += '\\';
    out += c;
    ++at;
  } else {
    out += '\\';
    spell_out(next_code_point(body, at), out);
  }
  return {};
}

}  // namespace

Result<std::string> unescape(std::string_view body) {
  std::string out;
  out.reserve(body.size());
  for (size_t at = 0; at < body.size();) {
    if (body[at] != '\\') {
      out += body[at++];
      continue;
    }
    if (++at == body.size()) return base::invalid("a string ends in a backslash");
    HANDMILL_OK(escape(body, at, out));
  }
  return out;
}

}  // namespace handmill::chat::jinja
