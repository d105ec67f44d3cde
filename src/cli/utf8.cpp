#include "cli/utf8.h"

#include "text/unicode.h"

namespace handmill::cli {

std::wstring to_wide(std::string_view utf8) {
  std::wstring out;
  text::Char c;
  for (size_t i = 0; (c = text::char_at(utf8, i)).size != 0; i += c.size)
    out += static_cast<wchar_t>(c.code);
  return out;
}

std::string to_utf8(std::wstring_view wide) {
  constexpr char32_t kReplacement = 0xFFFD;
  std::string out;
  for (const wchar_t w : wide) {
    const auto c = static_cast<char32_t>(w);
    const bool valid = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    text::append_utf8(out, valid ? c : kReplacement);
  }
  return out;
}

std::string valid_utf8(std::string_view bytes) { return to_utf8(to_wide(bytes)); }

}  // namespace handmill::cli
