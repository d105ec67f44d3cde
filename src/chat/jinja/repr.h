// Printing as Python does: str() and repr().
#pragma once

#include <string>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

/// Appends str(value). Growth past the limit shows in out.overflowed().
Status append_str(Interpreter& in, const Value& value, Marked& out);
Status append_repr(Interpreter& in, const Value& value, Marked& out);
/// str(value); a string stays the same object, and stays safe.
Result<TextPtr> to_text(Interpreter& in, const Value& value);

/// The shortest digits that read back as the same number, in Python's layout: 1.0, 1e+16, inf.
std::string float_repr(double number);

}  // namespace handmill::chat::jinja
