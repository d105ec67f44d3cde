// Python's int(text, base) and float(text).
#pragma once

#include <optional>
#include <string_view>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

/// Nothing where Python would raise a ValueError; more than 127 bits is an error.
Result<std::optional<Int>> parse_integer(std::string_view text, int base);
std::optional<double> parse_float(std::string_view text);

}  // namespace handmill::chat::jinja
