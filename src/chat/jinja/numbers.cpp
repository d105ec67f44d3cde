// White space around, one sign, underscores between digits.
#include "chat/jinja/numbers.h"

#include <cstdlib>

#include "chat/jinja/strings.h"

namespace handmill::chat::jinja {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

bool digit(char c) { return c >= '0' && c <= '9'; }

/// The text without the underscores that stand between digits; nothing if one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || digit_value(text[i - 1]) == 99 ||
               digit_value(text[i + 1]) == 99) {
      return std::nullopt;
    }
  }
  return out;
}

bool is_float_syntax(std::string_view text) {
  size_t at = 0;
  auto digits = [&] {
    size_t begin = at;
    while (at < text.size() && digit(text[at])) ++at;
    return at - begin;
  };
  size_t count = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    count += digits();
  }
  if (count == 0) return false;
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

}  // namespace

Result<std::optional<Int>> parse_integer(std::string_view text, int base) {
  Marked trimmed = stripped(Marked(std::string(text), false), nullptr);
  std::string_view view = trimmed.view();
  bool negative = view.starts_with('-');
  if (negative || view.starts_with('+')) view.remove_prefix(1);
  if (view.size() >= 2 && view[0] == '0') {
    char letter = static_cast<char>(view[1] | 0x20);
    int prefixed = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (prefixed && (base == 0 || base == prefixed)) {
      base = prefixed;
      view.remove_prefix(2);
      if (view.starts_with('_')) view.remove_prefix(1);
    }
  }
  if (base == 0) {
    if (view.size() > 1 && view[0] == '0' &&
        view.find_first_not_of("0_") != std::string_view::npos) {
      return std::optional<Int>();
    }
    base = 10;
  }
  auto digits = without_underscores(view);
  if (!digits || digits->empty()) return std::optional<Int>();
  for (char c : *digits) {
    if (digit_value(c) >= base) return std::optional<Int>();
  }
  Int value = 0;
  for (char c : *digits) {
    if (__builtin_mul_overflow(value, Int{base}, &value) ||
        __builtin_add_overflow(value, Int{digit_value(c)}, &value)) {
      return base::limit("integer: more than 127 bits");
    }
  }
  return std::optional<Int>(negative ? -value : value);
}

std::optional<double> parse_float(std::string_view text) {
  Marked trimmed = stripped(Marked(std::string(text), false), nullptr);
  std::string_view view = trimmed.view();
  bool negative = view.starts_with('-');
  if (negative || view.starts_with('+')) view.remove_prefix(1);
  std::string lower(view);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  double value = 0;
  if (lower == "inf" || lower == "infinity") {
    value = std::strtod("inf", nullptr);
  } else if (lower == "nan") {
    value = std::strtod("nan", nullptr);
  } else {
    auto digits = without_underscores(view);
    if (!digits || !is_float_syntax(*digits)) return std::nullopt;
    value = std::strtod(digits->c_str(), nullptr);
  }
  return negative ? -value : value;
}

}  // namespace handmill::chat::jinja
