// + - * / // % ** and the signs, by Python's rules; integers that pass 127 bits are an error.
#pragma once

#include "chat/jinja/ast.h"
#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

Result<Value> arithmetic(Interpreter& in, Op op, const Value& a, const Value& b);
Result<Value> negate(const Value& value);
Result<Value> plus(const Value& value);

}  // namespace handmill::chat::jinja
