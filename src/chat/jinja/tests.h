// The tests behind `is`.
#pragma once

#include <string_view>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

struct Test {
  std::string_view name;
  Result<bool> (*holds)(Interpreter& in, const Value& subject, const Arguments& arguments);
};

/// Null: there is none of that name.
const Test* find_test(std::string_view name);

}  // namespace handmill::chat::jinja
