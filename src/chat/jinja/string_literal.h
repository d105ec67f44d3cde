// The value of a string literal: Python's "unicode-escape" rules.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace handmill::chat::jinja {

/// `body` stands between the quotes. Errors: truncated or impossible escapes; \N{…} and lone
/// surrogates, which could not be printed anyway.
Result<std::string> unescape(std::string_view body);

}  // namespace handmill::chat::jinja
