// Filters on numbers.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "chat/jinja/arguments.h"
#include "chat/jinja/arithmetic.h"
#include "chat/jinja/attribute_path.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/numbers.h"

namespace handmill::chat::jinja {
namespace {

constexpr double kIntegerLimit = 1.7e38;  // 2^127

Result<Value> truncated(double number) {
  if (std::isnan(number)) return base::invalid("cannot convert float NaN to integer");
  if (std::abs(number) < kIntegerLimit) return Value(static_cast<Int>(number));
  if (std::isinf(number)) return base::invalid("cannot convert float infinity to integer");
  return base::limit("integer: more than 127 bits");
}

/// Half to even, at a power of ten.
Result<Value> rounded_integer(Int value, Int precision) {
  if (precision >= 0) return Value(value);
  if (precision < -37) return Value(0);
  Int unit = 1;
  for (Int i = 0; i < -precision; ++i) unit *= 10;
  Int quotient = value / unit, rest = value % unit;
  Int twice = (rest < 0 ? -rest : rest) * 2;
  if (twice > unit || (twice == unit && (quotient & 1))) quotient += value < 0 ? -1 : 1;
  return Value(quotient * unit);
}

double rounded_float(double value, Int precision) {
  if (!std::isfinite(value) || precision > 330) return value;
  if (precision < -330) return std::copysign(0.0, value);
  if (precision >= 0) {
    // printf rounds the exact decimal value, halves to even, as Python does.
    std::array<char, 700> text;
    std::snprintf(text.data(), text.size(), "%.*f", static_cast<int>(precision), value);
    return std::strtod(text.data(), nullptr);
  }
  double unit = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(value / unit) * unit;
}

}  // namespace

Result<Value> filter_abs(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "abs", {}));
  if (auto integer = subject.as_integer()) {
    return *integer < 0 ? negate(subject) : Result<Value>(Value(*integer));
  }
  if (const double* number = subject.number()) return Value(std::abs(*number));
  return base::invalid("bad operand type for abs(): '{}'", subject.type_name());
}

Result<Value> filter_int(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "int", {"default", "base"}));
  Value fallback = p[0] ? *p[0] : Value(0);
  HANDMILL_TRY(Int base, integer_or(p[1], 10));
  if (auto integer = subject.as_integer()) return Value(*integer);
  if (const double* number = subject.number()) {
    if (std::isfinite(*number)) return truncated(*number);
    if (std::isnan(*number)) return fallback;
    return base::invalid("cannot convert float infinity to integer");
  }
  if (subject.is_undefined()) return base::invalid("{}", subject.undefined_message());
  const Marked* text = subject.text();
  if (!text) return fallback;
  HANDMILL_OK(in.spend_bytes(text->size()));
  bool valid_base = base == 0 || (base >= 2 && base <= 36);
  HANDMILL_TRY(auto integer, valid_base ? parse_integer(text->view(), static_cast<int>(base))
                                        : Result<std::optional<Int>>(std::optional<Int>()));
  if (integer) return Value(*integer);
  auto number = parse_float(text->view());
  if (!number || !std::isfinite(*number)) return fallback;
  return truncated(*number);
}

Result<Value> filter_float(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "float", {"default"}));
  Value fallback = p[0] ? *p[0] : Value(0.0);
  if (auto number = subject.as_number()) return Value(*number);
  if (subject.is_undefined()) return base::invalid("{}", subject.undefined_message());
  if (!subject.text()) return fallback;
  HANDMILL_OK(in.spend_bytes(subject.text()->size()));
  auto number = parse_float(subject.text()->view());
  return number ? Value(*number) : fallback;
}

Result<Value> filter_round(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "round", {"precision", "method"}));
  HANDMILL_TRY(TextPtr method, text_or(p[1], "common"));
  if (method->view() != "common" && method->view() != "ceil" && method->view() != "floor") {
    return base::invalid("method must be common, ceil or floor");
  }
  auto number = subject.as_number();
  if (!number) return base::invalid("type {} cannot be rounded", subject.type_name());
  bool common = method->view() == "common";
  if (common && p[0] && p[0]->is_none()) {
    if (auto integer = subject.as_integer()) return Value(*integer);
    return truncated(std::nearbyint(*number));
  }
  HANDMILL_TRY(Int precision, integer_or(p[0], 0));
  if (common) {
    if (auto integer = subject.as_integer()) return rounded_integer(*integer, precision);
    return Value(rounded_float(*number, precision));
  }
  if (precision > 300 || precision < -300) return base::limit("round precision: more than 300");
  double unit = std::pow(10.0, static_cast<double>(precision));
  if (!std::isfinite(*number * unit)) return base::invalid("cannot round infinity or NaN");
  double scaled = *number * unit;
  return Value((method->view() == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

Result<Value> filter_sum(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "sum", {"attribute", "start"}));
  Value total = p[1] ? *p[1] : Value(0);
  if (total.text()) return base::invalid("sum() can't sum strings");
  HANDMILL_TRY(Items items, in.iterate(subject));
  HANDMILL_TRY(AttributePath path, AttributePath::parse(p[0] ? *p[0] : Value()));
  for (const Value& item : items) {
    HANDMILL_OK(in.spend());
    HANDMILL_TRY(Value value, path.get(in, item));
    HANDMILL_TRY(total, arithmetic(in, Op::kAdd, total, value));
  }
  return total;
}

Result<Value> filter_filesizeformat(Interpreter& in, const Value& subject,
                                    const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "filesizeformat", {"binary"}));
  bool binary = truth_or(p[0], false);
  auto bytes = subject.as_number();
  if (!bytes && subject.text()) bytes = parse_float(subject.text()->view());
  if (!bytes) return base::invalid("could not convert to float: {}", subject.type_name());
  double base = binary ? 1024 : 1000;
  std::string out;
  if (*bytes == 1) {
    out = "1 Byte";
  } else if (*bytes < base) {
    HANDMILL_TRY(Value whole, truncated(*bytes));
    out = fmt::format("{} Bytes", *whole.integer());
  } else {
    constexpr std::string_view kPrefixes = "kMGTPEZY";
    double unit = base;
    size_t i = 0;
    do {
      unit *= base;
    } while (!(*bytes < unit) && ++i < kPrefixes.size());
    if (i == kPrefixes.size()) --i, unit /= 1;
    char prefix = binary && i == 0 ? 'K' : kPrefixes[i];
    out = fmt::format("{:.1f} {}{}", base * *bytes / unit, prefix, binary ? "iB" : "B");
  }
  return in.text(Marked(std::move(out), false));
}

}  // namespace handmill::chat::jinja
