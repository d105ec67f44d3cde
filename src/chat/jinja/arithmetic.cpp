// Numbers first, then strings and lists, then the error that Python would raise.
#include "chat/jinja/arithmetic.h"

#include <cmath>

#include "chat/jinja/escape.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"

namespace handmill::chat::jinja {
namespace {

constexpr std::string_view kOpText[] = {"+", "-", "*", "/", "//", "%", "**"};

Error too_wide() { return base::limit("integer: more than 127 bits"); }

Result<Value> power(Int base, Int exponent) {
  if (exponent < 0) {
    if (base == 0) return base::invalid("0.0 cannot be raised to a negative power");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  Int result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return too_wide();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return too_wide();
  }
  return Value(result);
}

Result<Value> integers(Op op, Int a, Int b) {
  Int result = 0;
  switch (op) {
    case Op::kAdd:
      return __builtin_add_overflow(a, b, &result) ? too_wide() : Result<Value>(result);
    case Op::kSub:
      return __builtin_sub_overflow(a, b, &result) ? too_wide() : Result<Value>(result);
    case Op::kMul:
      return __builtin_mul_overflow(a, b, &result) ? too_wide() : Result<Value>(result);
    case Op::kPow: return power(a, b);
    default: break;
  }
  if (b == 0) return base::invalid("division by zero");
  if (op == Op::kDiv) {  // wide enough that 64-bit operands are exact
    return Value(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
  }
  if (b == -1) {  // the one quotient that can overflow
    if (op == Op::kMod) return Value(0);
    return __builtin_sub_overflow(Int{0}, a, &result) ? too_wide() : Result<Value>(result);
  }
  Int quotient = a / b, rest = a % b;
  if (rest != 0 && (rest < 0) != (b < 0)) {
    --quotient;
    rest += b;
  }
  return Value(op == Op::kMod ? rest : quotient);
}

Result<Value> floats(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd: return Value(a + b);
    case Op::kSub: return Value(a - b);
    case Op::kMul: return Value(a * b);
    case Op::kPow: {
      if (a == 0 && b < 0) return base::invalid("0.0 cannot be raised to a negative power");
      if (a < 0 && std::isfinite(b) && std::trunc(b) != b) {
        return base::unsupported("complex numbers are not supported");
      }
      double result = std::pow(a, b);
      if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) {
        return base::invalid("numerical result out of range");
      }
      return Value(result);
    }
    default: break;
  }
  if (b == 0) return base::invalid("float division by zero");
  if (op == Op::kDiv) return Value(a / b);
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) {
    rest += b;
    quotient -= 1;
  } else if (rest == 0) {
    rest = std::copysign(0.0, b);
  }
  if (op == Op::kMod) return Value(rest);
  if (quotient == 0) return Value(std::copysign(0.0, a / b));
  double whole = std::floor(quotient);
  return Value(quotient - whole > 0.5 ? whole + 1 : whole);
}

Result<Value> concatenate(Interpreter& in, const Marked& a, const Marked& b) {
  Marked joined;
  joined.safe = a.safe || b.safe;
  joined.append(joined.safe ? escaped(a) : a);
  joined.append(joined.safe ? escaped(b) : b);
  return in.text(std::move(joined));
}

Result<Value> concatenate(Interpreter& in, const Sequence& a, const Sequence& b) {
  HANDMILL_OK(in.spend(a.items.size() + b.items.size()));
  std::vector<Value> items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  bool list = a.kind == Sequence::Kind::kList;
  return make_sequence(std::move(items), list ? Sequence::Kind::kList : Sequence::Kind::kTuple);
}

Result<Value> repeat(Interpreter& in, const Value& what, Int times) {
  constexpr Int kIndexMax = INT64_MAX;
  if (times > kIndexMax || times < -kIndexMax - 1) {
    return base::invalid("cannot fit 'int' into an index-sized integer");
  }
  times = times < 0 ? 0 : times;
  if (const Marked* text = what.text()) {
    Marked out;
    out.safe = text->safe;
    out.append_repeated(
        *text, times > Int{kTextBytesMax} + 1 ? kTextBytesMax + 1 : static_cast<size_t>(times));
    return in.text(std::move(out));
  }
  const Sequence& sequence = *what.sequence();
  if (sequence.items.empty()) times = 0;
  if (times > Int{kStepsMax}) return base::limit("steps: more than {}", kStepsMax);
  HANDMILL_OK(in.spend(static_cast<uint64_t>(times) * sequence.items.size()));
  std::vector<Value> items;
  for (Int i = 0; i < times; ++i) {
    items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  }
  bool list = sequence.kind == Sequence::Kind::kList;
  return make_sequence(std::move(items), list ? Sequence::Kind::kList : Sequence::Kind::kTuple);
}

bool repeatable(const Value& value) { return value.text() || value.sequence(); }

}  // namespace

Result<Value> arithmetic(Interpreter& in, Op op, const Value& a, const Value& b) {
  if (op == Op::kMod && a.text()) return format_percent(in, *a.text(), b);
  for (const Value* side : {&a, &b}) {
    if (side->is_undefined()) return base::invalid("{}", side->undefined_message());
  }
  if (auto x = a.as_integer(), y = b.as_integer(); x && y) return integers(op, *x, *y);
  if (auto x = a.as_number(), y = b.as_number(); x && y) return floats(op, *x, *y);
  if (op == Op::kAdd && a.text() && b.text()) return concatenate(in, *a.text(), *b.text());
  if (op == Op::kAdd && a.sequence() && b.sequence() &&
      (a.sequence()->kind == Sequence::Kind::kList) ==
          (b.sequence()->kind == Sequence::Kind::kList)) {
    return concatenate(in, *a.sequence(), *b.sequence());
  }
  if (op == Op::kMul && repeatable(a) && b.as_integer()) return repeat(in, a, *b.as_integer());
  if (op == Op::kMul && repeatable(b) && a.as_integer()) return repeat(in, b, *a.as_integer());
  return base::invalid("unsupported operand type(s) for {}: '{}' and '{}'",
                       kOpText[static_cast<int>(op)], a.type_name(), b.type_name());
}

Result<Value> negate(const Value& value) {
  if (auto integer = value.as_integer()) return integers(Op::kSub, 0, *integer);
  if (const double* number = value.number()) return Value(-*number);
  if (value.is_undefined()) return base::invalid("{}", value.undefined_message());
  return base::invalid("bad operand type for unary -: '{}'", value.type_name());
}

Result<Value> plus(const Value& value) {
  if (auto integer = value.as_integer()) return Value(*integer);
  if (value.number()) return value;
  if (value.is_undefined()) return base::invalid("{}", value.undefined_message());
  return base::invalid("bad operand type for unary +: '{}'", value.type_name());
}

}  // namespace handmill::chat::jinja
