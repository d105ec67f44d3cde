// Text in columns, for help pages: words are kept whole, lines stay inside the width.
#pragma once

#include <string>
#include <string_view>

namespace handmill::cli {

inline constexpr int kHelpColumn = 32;  // where the explanations begin
inline constexpr int kHelpWidth = 96;

/// Breaks `text` at spaces; every line but the first begins with `indent` spaces.
std::string wrap(std::string_view text, int indent, int width);

/// `  left      text`, with `text` wrapped in a column that begins at `column`; a `left` that is
/// too long has a line of its own.
std::string wrap_entry(std::string_view left, std::string_view text, int column, int width);

}  // namespace handmill::cli
