// "%s" % value, and "{}".format(value).
#pragma once

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

/// `arguments` is the right side of %: a tuple, a dict for %(name)s, or one value.
Result<Value> format_percent(Interpreter& in, const Marked& format, const Value& arguments);
/// str.format. Errors: what Python refuses, and the numeric specs that few templates ever use.
Result<Value> format_braces(Interpreter& in, const Marked& format, const Arguments& arguments);

/// How a value is laid out: the union of what % and {} can ask for.
struct FormatSpec {
  Marked fill;        // one character; empty: a space
  char align = '\0';  // < > ^ =; none: by type
  char sign = '-';    // + - or space
  bool alternate = false;
  char grouping = '\0';  // , or _
  size_t width = 0;
  int precision = -1;
  char type = '\0';
};
inline constexpr size_t kPrecisionMax = 1000;

/// An integer's or a float's digits by spec.type (d x X o b e E f F g G %), signed, not padded.
Result<std::string> format_integer(Int value, const FormatSpec& spec);
Result<std::string> format_float(double value, const FormatSpec& spec);
/// Appends `body` padded to spec.width, between the sign and the digits where align is '='.
void append_padded(Marked& out, const Marked& body, const FormatSpec& spec, char align);

}  // namespace handmill::chat::jinja
