// From a body's bytes to what a reader makes of the object in them.
#pragma once

#include <string_view>
#include <utility>
#include <variant>

#include "api/fields.h"

namespace handmill::api {

/// `Outcome`: a variant that can hold a Fault.
template <class Outcome, class Reader>
Outcome read_body(std::string_view text, Reader reader) {
  Read<boost::json::object> object = parse_body(text);
  if (auto* fault = std::get_if<Fault>(&object)) return std::move(*fault);
  return reader(std::get<boost::json::object>(object));
}

}  // namespace handmill::api
