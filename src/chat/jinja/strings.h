// The operations on strings that both filters and methods offer; marks are kept throughout.
#pragma once

#include <vector>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

enum class Side { kBoth, kLeft, kRight };
/// str.strip; without `characters`, white space.
Marked stripped(const Marked& text, const Marked* characters, Side side = Side::kBoth);
/// str.replace; `count` below 0: all.
Result<Value> replaced(Interpreter& in, const Marked& text, const Marked& from, const Marked& to,
                       Int count);
Marked capitalized(const Marked& text);
/// str.splitlines.
Result<std::vector<Value>> split_lines(Interpreter& in, const Marked& text, bool keep_ends);
/// str.split and str.rsplit; without `separator`, at runs of white space.
Result<std::vector<Value>> split(Interpreter& in, const Marked& text, const Marked* separator,
                                 Int most, bool from_right);
/// str.center, ljust (kLeft: the text is left) and rjust.
Result<Value> justified(Interpreter& in, const Marked& text, Int width, const Marked& fill,
                        Side side);
/// separator.join(str of each item); `strict`: items must be strings.
Result<Value> joined(Interpreter& in, const Marked& separator, const Items& items, bool strict);
/// The last occurrence, in linear time; npos: none.
Result<size_t> find_last(Interpreter& in, std::string_view text, std::string_view needle);

}  // namespace handmill::chat::jinja
