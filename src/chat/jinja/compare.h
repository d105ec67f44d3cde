// ==, <, in and their like, by Python's rules.
#pragma once

#include "chat/jinja/ast.h"
#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

Result<bool> equal(Interpreter& in, const Value& a, const Value& b);
/// Any comparison operator. Errors: types that have no order, containers that are none.
Result<bool> compare(Interpreter& in, Op op, const Value& a, const Value& b);
Result<bool> contains(Interpreter& in, const Value& container, const Value& item);

/// First occurrence at or behind `from`, in linear time; npos: none.
size_t find_text(std::string_view text, std::string_view needle, size_t from = 0);

}  // namespace handmill::chat::jinja
