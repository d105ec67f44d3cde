// UTF-8 and wide characters (UTF-32 on Linux), for the line editor. What is not valid becomes
// U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace handmill::cli {

/// How many bytes the character takes that begins with `lead`; 0 for a byte that begins none.
int utf8_length(unsigned char lead);
std::wstring to_wide(std::string_view utf8);
std::string to_utf8(std::wstring_view wide);

}  // namespace handmill::cli
