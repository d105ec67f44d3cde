// The functions that every template can call: range, dict, namespace, cycler, joiner,
// raise_exception, strftime_now.
#pragma once

#include <optional>
#include <string_view>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

std::optional<Value> builtin_global(std::string_view name);

}  // namespace handmill::chat::jinja
