// UTF-8 and Unicode character classes, as the tokenizers' patterns need them: decoding never fails
// (a byte sequence that is no character counts as one U+FFFD), and a class test is one AND. Classes
// come from unicode_table.inc, which make_unicode_table.py writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace handmill::text {

/// Every character has at most one of these; control, format and unassigned ones have none.
enum CharClass : uint8_t {
  kUpper = 1,     // Lu, Lt
  kLower = 2,     // Ll
  kCaseless = 4,  // Lm, Lo
  kMark = 8,      // M
  kNumber = 16,   // N
  kPunct = 32,    // P
  kSymbol = 64,   // S
  kSpace = 128,   // White_Space, whatever the category
  kLetter = kUpper | kLower | kCaseless,
};

/// What begins at a position of a byte string.
struct Utf8Unit {
  enum Kind : uint8_t {
    kChar,     // a whole character
    kInvalid,  // bytes that no continuation makes a character: the longest such prefix (Unicode
               // "maximal subpart"), which is what decoders replace by one U+FFFD
    kPartial,  // the string ends inside a character
  };
  Kind kind;
  uint8_t size;  // 1..4
};
/// REQUIRES: i < text.size().
Utf8Unit utf8_unit(std::string_view text, size_t i);

uint8_t char_classes(char32_t code);

struct Char {
  char32_t code;
  uint8_t classes;
  uint8_t size;  // in bytes; 0 past the end of the text
};
/// The character at byte i; past the end one of size 0 and no class.
Char char_at(std::string_view text, size_t i);

void append_utf8(std::string& out, char32_t code);

}  // namespace handmill::text
