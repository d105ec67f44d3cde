// UTF-8 decoding by the ranges of the Unicode standard's table 3-7, and the two-stage class table.
#include "text/unicode.h"

namespace handmill::text {
namespace {

#include "text/unicode_table.inc"

constexpr char32_t kReplacement = 0xFFFD;

struct LeadByte {
  uint8_t size;       // 0: no character begins with this byte
  uint8_t low, high;  // what the second byte may be
};

constexpr LeadByte lead_byte(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Unit utf8_unit(std::string_view text, size_t i) {
  LeadByte lead = lead_byte(static_cast<uint8_t>(text[i]));
  if (lead.size == 0) return {Utf8Unit::kInvalid, 1};
  for (uint8_t k = 1; k < lead.size; ++k) {
    if (i + k >= text.size()) return {Utf8Unit::kPartial, k};
    auto byte = static_cast<uint8_t>(text[i + k]);
    if (byte < lead.low || byte > lead.high) return {Utf8Unit::kInvalid, k};
    lead.low = 0x80;
    lead.high = 0xBF;
  }
  return {Utf8Unit::kChar, lead.size};
}

uint8_t char_classes(char32_t code) {
  if (code > 0x10FFFF) return 0;
  return kClasses[kBlockOf[code >> 7] * 128u + (code & 127)];
}

Char char_at(std::string_view text, size_t i) {
  if (i >= text.size()) return {0, 0, 0};
  auto first = static_cast<uint8_t>(text[i]);
  if (first < 0x80) return {first, kClasses[first], 1};
  Utf8Unit unit = utf8_unit(text, i);
  if (unit.kind != Utf8Unit::kChar) return {kReplacement, kSymbol, unit.size};
  char32_t code = first & (0x7Fu >> unit.size);
  for (uint8_t k = 1; k < unit.size; ++k)
    code = code << 6 | (static_cast<uint8_t>(text[i + k]) & 0x3Fu);
  return {code, char_classes(code), unit.size};
}

void append_utf8(std::string& out, char32_t code) {
  auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  }
}

}  // namespace handmill::text
