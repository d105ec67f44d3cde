// UTF-8 and wide characters (UTF-32 on Linux), for the line editor. What is not valid becomes
// U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace handmill::cli {

std::wstring to_wide(std::string_view utf8);
std::string to_utf8(std::wstring_view wide);

/// For JSON, which holds nothing else.
std::string valid_utf8(std::string_view bytes);

}  // namespace handmill::cli
