// Code points of valid UTF-8, and Python's notions of space, case and printability for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat/jinja/marked.h"

namespace handmill::chat::jinja {

/// The bytes with everything that is not UTF-8 turned into U+FFFD.
std::string valid_utf8(std::string_view bytes);
/// The offset of the first byte that is not UTF-8, or npos.
size_t find_invalid_utf8(std::string_view bytes);

void append_utf8(std::string& out, char32_t c);
/// The code point at `offset`, which is moved behind it. REQUIRES: valid UTF-8.
char32_t next_code_point(std::string_view text, size_t& offset);
size_t code_points(std::string_view text);
/// Offset of the code point number `index` (text.size() where there are fewer).
size_t offset_of(std::string_view text, size_t index);
/// The offset at which the code point before `offset` starts. REQUIRES: offset > 0.
size_t previous_offset(std::string_view text, size_t offset);

bool is_space(char32_t c);
bool is_line_break(char32_t c);
bool is_alpha(char32_t c);
bool is_digit(char32_t c);    // str.isdigit: decimal digits and superscripts
bool is_decimal(char32_t c);  // str.isdecimal
bool is_numeric(char32_t c);
bool is_word(char32_t c);  // \w
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_title(char32_t c);
bool is_printable(char32_t c);

enum class Case { kUpper, kLower, kTitle, kSwap, kFold };
/// Appends the code point at text[begin, end) in another case, with its mark.
void append_in_case(Marked& out, const Marked& text, size_t begin, size_t end, Case to);
/// str.upper(), str.lower() and so on; kTitle turns only the first letter of each word.
Marked in_case(const Marked& text, Case to);

}  // namespace handmill::chat::jinja
