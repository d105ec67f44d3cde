// The methods of Python's str, dict, list and tuple that a template can call.
#pragma once

#include <string_view>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

struct Method {
  std::string_view name;
  Result<Value> (*call)(Interpreter& in, const Value& self, const Arguments& arguments);
};

/// Null: there is none of that name. A method that would change its object has a null `call`.
const Method* find_method(const Value& self, std::string_view name);

// method_*.cpp
const Method* find_text_method(std::string_view name);
const Method* find_text_query(std::string_view name);
const Method* find_container_method(const Value& self, std::string_view name);

}  // namespace handmill::chat::jinja
