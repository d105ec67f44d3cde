// JSON text from outside into Boost.JSON values. Boost.JSON is compiled once, in json.cpp.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace handmill::base {

/// One JSON document, strictly by the standard (RFC 8259; UTF-8). Errors say the byte offset;
/// deeper nesting than `max_depth` is one of them.
Result<boost::json::value> parse_json(std::string_view text, size_t max_depth = 64);

}  // namespace handmill::base
