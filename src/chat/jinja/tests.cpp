// One function a test, and the table of them.
#include "chat/jinja/tests.h"

#include <cmath>

#include "chat/jinja/arguments.h"
#include "chat/jinja/arithmetic.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

template <Op op>
Result<bool> compares(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "test", 1, 1));
  return compare(in, op, subject, *p[0]);
}

/// A test of the value alone.
template <bool (*holds)(const Value&)>
Result<bool> plain(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "test", 0, 0));
  return holds(subject);
}

Result<bool> rest_is(Interpreter& in, const Value& subject, const Value& divisor, int rest) {
  HANDMILL_TRY(Value value, arithmetic(in, Op::kMod, subject, divisor));
  return equal(in, value, Value(rest));
}

Result<bool> odd(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "odd", 0, 0));
  return rest_is(in, subject, Value(2), 1);
}
Result<bool> even(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "even", 0, 0));
  return rest_is(in, subject, Value(2), 0);
}
Result<bool> divisible(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "divisibleby", {"num"}, 1));
  return rest_is(in, subject, *p[0], 0);
}

template <bool (*is_case)(char32_t), bool (*is_other)(char32_t)>
Result<bool> cased(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "test", 0, 0));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  bool any = false;
  for (size_t at = 0; at < text->size();) {
    char32_t c = next_code_point(text->view(), at);
    if (is_other(c) || is_title(c)) return false;
    any = any || is_case(c);
  }
  return any;
}

Result<bool> same_as(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "sameas", {"other"}, 1));
  return subject.same(*p[0]);
}
Result<bool> filter_exists(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "filter", 0, 0));
  HANDMILL_OK(key_code(subject));
  return subject.text() && find_filter(subject.text()->view());
}
Result<bool> test_exists(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "test", 0, 0));
  HANDMILL_OK(key_code(subject));
  return subject.text() && find_test(subject.text()->view());
}

bool is_defined(const Value& v) { return !v.is_undefined(); }
bool is_undefined(const Value& v) { return v.is_undefined(); }
bool is_none(const Value& v) { return v.is_none(); }
bool is_boolean(const Value& v) { return v.boolean(); }
bool is_true(const Value& v) { return v.boolean() && *v.boolean(); }
bool is_false(const Value& v) { return v.boolean() && !*v.boolean(); }
bool is_integer(const Value& v) { return v.integer(); }
bool is_float(const Value& v) { return v.number(); }
bool is_number(const Value& v) { return v.as_number().has_value(); }
bool is_string(const Value& v) { return v.text(); }
bool is_mapping(const Value& v) { return v.dict(); }
bool is_escaped(const Value& v) { return v.text() && v.text()->safe; }
bool is_callable(const Value& v) {
  // An Undefined has a __call__, even if only to complain.
  return v.is_undefined() || (v.object() && v.object()->callable());
}
bool is_iterable(const Value& v) {
  return v.text() || v.sequence() || v.dict() || v.is_undefined() ||
         (v.object() && v.object()->iterable());
}
bool is_sequence(const Value& v) {
  if (v.text() || v.sequence() || v.dict() || v.is_undefined()) return true;
  return v.object() && v.object()->type_name() == "range";
}

constexpr Test kTests[] = {
    {"odd", odd},
    {"even", even},
    {"divisibleby", divisible},
    {"defined", plain<is_defined>},
    {"undefined", plain<is_undefined>},
    {"filter", filter_exists},
    {"test", test_exists},
    {"none", plain<is_none>},
    {"boolean", plain<is_boolean>},
    {"false", plain<is_false>},
    {"true", plain<is_true>},
    {"integer", plain<is_integer>},
    {"float", plain<is_float>},
    {"lower", cased<is_lower, is_upper>},
    {"upper", cased<is_upper, is_lower>},
    {"string", plain<is_string>},
    {"mapping", plain<is_mapping>},
    {"number", plain<is_number>},
    {"sequence", plain<is_sequence>},
    {"iterable", plain<is_iterable>},
    {"callable", plain<is_callable>},
    {"sameas", same_as},
    {"escaped", plain<is_escaped>},
    {"in", compares<Op::kIn>},
    {"==", compares<Op::kEqual>},
    {"eq", compares<Op::kEqual>},
    {"equalto", compares<Op::kEqual>},
    {"!=", compares<Op::kNotEqual>},
    {"ne", compares<Op::kNotEqual>},
    {">", compares<Op::kGreater>},
    {"gt", compares<Op::kGreater>},
    {"greaterthan", compares<Op::kGreater>},
    {"ge", compares<Op::kGreaterEqual>},
    {">=", compares<Op::kGreaterEqual>},
    {"<", compares<Op::kLess>},
    {"lt", compares<Op::kLess>},
    {"lessthan", compares<Op::kLess>},
    {"<=", compares<Op::kLessEqual>},
    {"le", compares<Op::kLessEqual>},
};

}  // namespace

const Test* find_test(std::string_view name) {
  for (const Test& test : kTests) {
    if (test.name == name) return &test;
  }
  return nullptr;
}

}  // namespace handmill::chat::jinja
