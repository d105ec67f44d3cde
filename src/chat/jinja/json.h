// JSON in and out of templates.
#pragma once

#include <boost/json/value.hpp>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

/// Every string of it is marked as the user's. Errors: nesting past kValueDepthMax.
Result<Value> from_json(const boost::json::value& json);

struct JsonStyle {
  bool ascii = false;   // escape what is not ASCII
  bool pretty = false;  // lines, indented by `indent`
  Marked indent;
  Marked item_separator, key_separator;
  bool sort_keys = false;
};
/// json.dumps(value): no HTML escapes. The text of strings, escapes included, keeps its marks.
Status append_json(Interpreter& in, const Value& value, const JsonStyle& style, Marked& out);

}  // namespace handmill::chat::jinja
