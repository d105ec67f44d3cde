// Numbers by a format spec, and padding.
#include <array>
#include <cmath>
#include <cstdio>

#include "chat/jinja/format.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

std::string sign_of(bool negative, char sign) {
  if (negative) return "-";
  return sign == '+' || sign == ' ' ? std::string(1, sign) : "";
}

std::string grouped(std::string digits, char separator, size_t every) {
  if (!separator) return digits;
  size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  for (size_t at = whole; at > every; at -= every) {
    digits.insert(at - every, 1, separator);
  }
  return digits;
}

std::string digits_of(Int value, char type) {
  switch (type) {
    case 'x': return fmt::format("{:x}", value);
    case 'X': return fmt::format("{:X}", value);
    case 'o': return fmt::format("{:o}", value);
    case 'b': return fmt::format("{:b}", value);
    default: return fmt::format("{}", value);
  }
}

}  // namespace

Result<std::string> format_integer(Int value, const FormatSpec& spec) {
  bool negative = value < 0;
  if (negative && __builtin_sub_overflow(Int{0}, value, &value)) {
    return base::limit("integer: more than 127 bits");
  }
  std::string prefix;
  if (std::string_view("xXob").find(spec.type) != std::string_view::npos) prefix = {'0', spec.type};
  std::string digits = digits_of(value, spec.type);
  if (spec.precision > static_cast<int>(digits.size())) {
    digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
  }
  digits = grouped(std::move(digits), spec.grouping, prefix.empty() ? 3 : 4);
  return sign_of(negative, spec.sign) + (spec.alternate ? prefix : "") + digits;
}

Result<std::string> format_float(double value, const FormatSpec& spec) {
  bool negative = std::signbit(value) && !std::isnan(value);
  std::string sign = sign_of(negative, spec.sign);
  char type = spec.type ? spec.type : 'g';
  bool upper = type == 'E' || type == 'F' || type == 'G';
  if (!std::isfinite(value)) {
    std::string_view word = std::isnan(value) ? (upper ? "NAN" : "nan") : upper ? "INF" : "inf";
    return sign + std::string(word) + (type == '%' ? "%" : "");
  }
  value = std::abs(value);
  if (!spec.type && spec.precision < 0) return sign + grouped(float_repr(value), spec.grouping, 3);
  if (type == '%') value *= 100;
  int precision = spec.precision < 0 ? 6 : spec.precision;
  std::array<char, 8> format = {'%', '.', '*', type == '%' ? 'f' : type, '\0'};
  if (spec.alternate) format = {'%', '#', '.', '*', type == '%' ? 'f' : type, '\0'};
  std::string digits(400 + static_cast<size_t>(precision), '\0');
  int n = std::snprintf(digits.data(), digits.size(), format.data(), precision, value);
  digits.resize(static_cast<size_t>(std::max(n, 0)));
  if (!spec.type && digits.find_first_of(".e") == std::string::npos) {
    // Python's default layout keeps one digit behind the point, in exponent form if need be.
    if (static_cast<int>(digits.size()) < std::max(precision, 1)) {
      digits += ".0";
    } else {
      n = std::snprintf(digits.data(), 0, "%.*e", std::max(precision, 1) - 1, value);
      digits.resize(static_cast<size_t>(n) + 1);
      std::snprintf(digits.data(), digits.size(), "%.*e", std::max(precision, 1) - 1, value);
      digits.resize(static_cast<size_t>(n));
    }
  }
  return sign + grouped(std::move(digits), spec.grouping, 3) + (type == '%' ? "%" : "");
}

void append_padded(Marked& out, const Marked& body, const FormatSpec& spec, char align) {
  size_t length = code_points(body.view());
  if (spec.align) align = spec.align;
  size_t pad = spec.width > length ? spec.width - length : 0;
  Marked space = spec.fill.empty() ? Marked(" ", false) : spec.fill;
  size_t before = align == '<' ? 0 : align == '^' ? pad / 2 : pad;
  size_t split = 0;  // sign and base prefix stay in front of zeros
  if (align == '=') {
    std::string_view view = body.view();
    if (!view.empty() && std::string_view("+- ").find(view[0]) != std::string_view::npos) ++split;
    if (spec.alternate && spec.type != 'd' && view.size() > split + 1 && view[split] == '0' &&
        std::string_view("xXob").find(view[split + 1]) != std::string_view::npos) {
      split += 2;
    }
  }
  out.append(body, 0, split);
  out.append_repeated(space, before);
  out.append(body, split, body.size());
  out.append_repeated(space, pad - before);
}

}  // namespace handmill::chat::jinja
