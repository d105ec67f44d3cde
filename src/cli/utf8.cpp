#include "cli/utf8.h"

namespace handmill::cli {
namespace {

constexpr wchar_t kReplacement = 0xFFFD;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool is_valid(char32_t c, int length) {
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  return c >= kSmallest[length] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
}

}  // namespace

int utf8_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

std::wstring to_wide(std::string_view utf8) {
  std::wstring out;
  for (size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i++]);
    const int length = utf8_length(lead);
    if (length <= 1) {
      out += length == 1 ? static_cast<wchar_t>(lead) : kReplacement;
      continue;
    }
    char32_t c = lead & (0x7F >> length);
    int have = 1;
    for (; have < length && i < utf8.size() && is_continuation(utf8[i]); ++have)
      c = c << 6 | (static_cast<unsigned char>(utf8[i++]) & 0x3F);
    out += have == length && is_valid(c, length) ? static_cast<wchar_t>(c) : kReplacement;
  }
  return out;
}

std::string to_utf8(std::wstring_view wide) {
  std::string out;
  for (const wchar_t w : wide) {
    auto c = static_cast<char32_t>(w);
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacement;
    const auto add = [&out](char32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x80) {
      add(c);
    } else if (c < 0x800) {
      add(0xC0 | c >> 6);
      add(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      add(0xE0 | c >> 12);
      add(0x80 | (c >> 6 & 0x3F));
      add(0x80 | (c & 0x3F));
    } else {
      add(0xF0 | c >> 18);
      add(0x80 | (c >> 12 & 0x3F));
      add(0x80 | (c >> 6 & 0x3F));
      add(0x80 | (c & 0x3F));
    }
  }
  return out;
}

}  // namespace handmill::cli
