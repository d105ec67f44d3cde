// How a call's arguments become a function's parameters, by Python's rules.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

/// One entry a name; what was not passed is empty. Errors: too many, unknown, doubled or missing.
Result<std::vector<Maybe>> bind(const Arguments& arguments, std::string_view function,
                                std::initializer_list<std::string_view> names, size_t required = 0);
/// The same for functions that take no names.
Result<std::vector<Maybe>> bind_positional(const Arguments& arguments, std::string_view function,
                                           size_t required, size_t most);

Result<Int> require_integer(const Value& value);
Result<TextPtr> require_text(const Value& value);
/// The parameter's value, or `fallback` where it was not passed.
Result<Int> integer_or(const Maybe& value, Int fallback);
Result<TextPtr> text_or(const Maybe& value, std::string_view fallback);
inline bool truth_or(const Maybe& value, bool fallback) {
  return value ? value->truth() : fallback;
}
/// Whether it was passed, and is not None.
inline bool given(const Maybe& value) { return value && !value->is_none(); }

}  // namespace handmill::chat::jinja
