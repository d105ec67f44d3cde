// Decoding by hand (the text is known to be valid), properties through utf8proc's categories.
#include "chat/jinja/utf8.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utf8proc.h>

#include "chat/jinja/unicode_tables.h"

namespace handmill::chat::jinja {
namespace {

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool in_ranges(std::span<const CodeRange> ranges, char32_t c) {
  auto it = std::lower_bound(ranges.begin(), ranges.end(), c,
                             [](const CodeRange& range, char32_t x) { return range.last < x; });
  return it != ranges.end() && c >= it->first;
}

/// Length of the valid UTF-8 sequence at the start of `bytes`, or 0.
size_t sequence_length(std::string_view bytes) {
  utf8proc_int32_t c;
  auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                            static_cast<utf8proc_ssize_t>(bytes.size()), &c);
  return n > 0 ? static_cast<size_t>(n) : 0;
}

bool is_cased(char32_t c) { return is_upper(c) || is_lower(c) || is_title(c); }

bool is_case_ignorable(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: break;
  }
  return std::u32string_view(
             U"'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52"
             U"\ufe55\uff07\uff0e\uff1a")
             .find(c) != std::u32string_view::npos;
}

/// A capital sigma that ends a word: cased before it, nothing cased after it.
bool is_final_sigma(std::string_view text, size_t begin, size_t end) {
  bool before = false;
  for (size_t at = begin; at > 0 && !before;) {
    at = previous_offset(text, at);
    size_t next = at;
    char32_t c = next_code_point(text, next);
    if (is_case_ignorable(c)) continue;
    before = is_cased(c);
    break;
  }
  if (!before) return false;
  for (size_t at = end; at < text.size();) {
    char32_t c = next_code_point(text, at);
    if (is_case_ignorable(c)) continue;
    return !is_cased(c);
  }
  return true;
}

const SpecialCase* special_case(char32_t c) {
  auto it = std::lower_bound(std::begin(kSpecialCases), std::end(kSpecialCases), c,
                             [](const SpecialCase& s, char32_t x) { return s.code_point < x; });
  return it != std::end(kSpecialCases) && it->code_point == c ? it : nullptr;
}

std::string lower_of(std::string_view text, size_t begin, size_t end, char32_t c) {
  std::string out;
  if (c == 0x130) return "i\u0307";
  if (c == 0x3a3 && is_final_sigma(text, begin, end)) return "\u03c2";
  append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  return out;
}

std::string upper_of(char32_t c) {
  if (const SpecialCase* special = special_case(c)) return special->upper;
  std::string out;
  append_utf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  return out;
}

std::string title_of(char32_t c) {
  if (const SpecialCase* special = special_case(c)) return special->title;
  std::string out;
  append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  return out;
}

std::string folded(char32_t c) {
  std::array<utf8proc_int32_t, 8> codes;
  int boundary = 0;
  auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), codes.data(), codes.size(),
                                   UTF8PROC_CASEFOLD, &boundary);
  std::string out;
  if (n < 0 || n > static_cast<utf8proc_ssize_t>(codes.size())) return append_utf8(out, c), out;
  for (utf8proc_ssize_t i = 0; i < n; ++i) append_utf8(out, static_cast<char32_t>(codes[i]));
  return out;
}

}  // namespace

size_t find_invalid_utf8(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    if (static_cast<unsigned char>(bytes[i]) < 0x80) {
      ++i;
      continue;
    }
    size_t n = sequence_length(bytes.substr(i));
    if (n == 0) return i;
    i += n;
  }
  return std::string_view::npos;
}

std::string valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (;;) {
    size_t bad = find_invalid_utf8(bytes);
    out += bytes.substr(0, bad);
    if (bad == std::string_view::npos) return out;
    out += "\uFFFD";
    bytes.remove_prefix(bad + 1);
  }
}

void append_utf8(std::string& out, char32_t c) {
  std::array<utf8proc_uint8_t, 4> bytes;
  auto n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(n));
}

char32_t next_code_point(std::string_view text, size_t& offset) {
  auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  char32_t lead = byte(offset);
  size_t i = offset;
  if (lead < 0x80) return ++offset, lead;
  if (lead < 0xe0) {
    offset += 2;
    return (lead & 0x1f) << 6 | (byte(i + 1) & 0x3f);
  }
  if (lead < 0xf0) {
    offset += 3;
    return (lead & 0xf) << 12 | (byte(i + 1) & 0x3f) << 6 | (byte(i + 2) & 0x3f);
  }
  offset += 4;
  return (lead & 7) << 18 | (byte(i + 1) & 0x3f) << 12 | (byte(i + 2) & 0x3f) << 6 |
         (byte(i + 3) & 0x3f);
}

size_t code_points(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

size_t offset_of(std::string_view text, size_t index) {
  size_t at = 0;
  while (at < text.size()) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && index-- == 0) return at;
    ++at;
  }
  return at;
}

size_t previous_offset(std::string_view text, size_t offset) {
  do {
    --offset;
  } while (offset > 0 && (static_cast<unsigned char>(text[offset]) & 0xc0) == 0x80);
  return offset;
}

bool is_space(char32_t c) {
  if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20);
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_line_break(char32_t c) {
  return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

bool is_alpha(char32_t c) {
  auto k = category(c);
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}
bool is_decimal(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_digit(char32_t c) { return is_decimal(c) || in_ranges(kOtherDigits, c); }
bool is_numeric(char32_t c) {
  auto k = category(c);
  return (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO) || in_ranges(kOtherNumeric, c);
}
bool is_word(char32_t c) { return c == '_' || is_alpha(c) || is_numeric(c); }
bool is_upper(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LU || in_ranges(kOtherUppercase, c);
}
bool is_lower(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LL || in_ranges(kOtherLowercase, c);
}
bool is_title(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LT; }

bool is_printable(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    case UTF8PROC_CATEGORY_ZS: return c == ' ';
    default: return true;
  }
}

void append_in_case(Marked& out, const Marked& text, size_t begin, size_t end, Case to) {
  bool user = text.user_at(begin);
  size_t at = begin;
  char32_t c = next_code_point(text.view(), at);
  switch (to) {
    case Case::kSwap:
      to = is_upper(c) ? Case::kLower : is_lower(c) ? Case::kUpper : to;
      if (to != Case::kSwap) return append_in_case(out, text, begin, end, to);
      return out.append(text, begin, end);
    case Case::kUpper: return out.append(upper_of(c), user);
    case Case::kTitle: return out.append(title_of(c), user);
    case Case::kFold: return out.append(folded(c), user);
    case Case::kLower: return out.append(lower_of(text.view(), begin, end, c), user);
  }
}

Marked in_case(const Marked& text, Case to) {
  Marked out;
  out.safe = text.safe;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    char32_t c = next_code_point(text.view(), at);
    Case here = to;
    if (to == Case::kTitle) {
      here = in_word ? Case::kLower : Case::kTitle;
      in_word = is_cased(c);
    }
    append_in_case(out, text, begin, at, here);
  }
  return out;
}

}  // namespace handmill::chat::jinja
