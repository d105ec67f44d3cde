// Every character that is printed keeps the mark that it had in its string; quotes, brackets and
// numbers are the template's.
#include "chat/jinja/repr.h"

#include <charconv>
#include <cmath>

#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/nesting.h"
#include "chat/jinja/objects.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

void append_escaped(char32_t c, bool user, Marked& out) {
  std::string text;
  switch (c) {
    case '\n': text = "\\n"; break;
    case '\r': text = "\\r"; break;
    case '\t': text = "\\t"; break;
    default:
      text = c < 0x100     ? fmt::format("\\x{:02x}", static_cast<uint32_t>(c))
             : c < 0x10000 ? fmt::format("\\u{:04x}", static_cast<uint32_t>(c))
                           : fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
  }
  out.append(text, user);
}

void append_quoted(const Marked& text, Marked& out) {
  std::string_view view = text.view();
  bool single = view.find('\'') != std::string_view::npos;
  bool doubled = view.find('"') != std::string_view::npos;
  char quote = single && !doubled ? '"' : '\'';
  if (text.safe) out.append("Markup(", false);
  out.append({&quote, 1}, false);
  for (size_t at = 0; at < view.size() && !out.overflowed();) {
    size_t begin = at;
    char32_t c = next_code_point(view, at);
    if (c == '\\' || c == static_cast<char32_t>(quote)) {
      out.append("\\", text.user_at(begin));
      out.append(text, begin, at);
    } else if (is_printable(c)) {
      out.append(text, begin, at);
    } else {
      append_escaped(c, text.user_at(begin), out);
    }
  }
  out.append({&quote, 1}, false);
  if (text.safe) out.append(")", false);
}

Status append_items(Interpreter& in, std::span<const Value> items, std::string_view open,
                    std::string_view close, Marked& out) {
  out.append(open, false);
  for (size_t i = 0; i < items.size(); ++i) {
    if (i) out.append(", ", false);
    HANDMILL_OK(append_repr(in, items[i], out));
  }
  out.append(close, false);
  return {};
}

Status append_dict(Interpreter& in, const Dict& dict, Marked& out) {
  out.append("{", false);
  bool first = true;
  for (const Dict::Entry& entry : dict.entries()) {
    if (!first) out.append(", ", false);
    first = false;
    HANDMILL_OK(append_repr(in, entry.key, out));
    out.append(": ", false);
    HANDMILL_OK(append_repr(in, entry.value, out));
  }
  out.append("}", false);
  return {};
}

Status append_object(Interpreter& in, const Value& value, Marked& out) {
  if (auto* names = value.object_as<Namespace>()) {
    out.append("<Namespace ", false);
    HANDMILL_OK(append_dict(in, names->values(), out));
    out.append(">", false);
  } else if (auto* view = value.object_as<DictView>()) {
    HANDMILL_TRY(Items items, view->iterate(in));
    out.append(view->type_name(), false);
    HANDMILL_OK(append_items(in, items.view(), "([", "])", out));
  } else {
    out.append(value.object()->repr(), false);
  }
  return {};
}

Status append_container(Interpreter& in, const Value& value, Marked& out) {
  Nesting nesting(in.depth());
  HANDMILL_OK(in.check_depth());
  if (const Sequence* sequence = value.sequence()) {
    bool list = sequence->kind == Sequence::Kind::kList;
    std::string_view close = list ? "]" : sequence->items.size() == 1 ? ",)" : ")";
    return append_items(in, sequence->items, list ? "[" : "(", close, out);
  }
  if (const Dict* dict = value.dict()) return append_dict(in, *dict, out);
  return append_object(in, value, out);
}

}  // namespace

std::string float_repr(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  std::string text(buffer, end.ptr);
  size_t e = text.find('e');
  int exponent = std::stoi(text.substr(e + 1));
  std::string sign = text[0] == '-' ? "-" : "";
  std::string digits = text.substr(sign.size(), e - sign.size());
  std::erase(digits, '.');
  int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    std::string mantissa = digits.substr(0, 1);
    if (count > 1) mantissa += "." + digits.substr(1);
    return fmt::format("{}{}e{}{:02d}", sign, mantissa, exponent < 0 ? '-' : '+',
                       std::abs(exponent));
  }
  if (exponent < 0)
    return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole) digits.append(whole - digits.size(), '0');
  std::string fraction = digits.substr(whole);
  return sign + digits.substr(0, whole) + "." + (fraction.empty() ? "0" : fraction);
}

Status append_repr(Interpreter& in, const Value& value, Marked& out) {
  HANDMILL_OK(in.spend());
  if (out.overflowed()) return base::limit("string bytes: more than {}", kTextBytesMax);
  if (const Marked* text = value.text()) {
    HANDMILL_OK(in.spend_bytes(text->size()));
    append_quoted(*text, out);
    return {};
  }
  if (value.is_undefined()) return out.append("Undefined", false), Status();
  if (value.is_none()) return out.append("None", false), Status();
  if (const bool* b = value.boolean()) return out.append(*b ? "True" : "False", false), Status();
  if (const Int* i = value.integer()) return out.append(fmt::format("{}", *i), false), Status();
  if (const double* d = value.number()) return out.append(float_repr(*d), false), Status();
  return append_container(in, value, out);
}

Status append_str(Interpreter& in, const Value& value, Marked& out) {
  if (const Marked* text = value.text()) return out.append(*text), Status();
  if (value.is_undefined()) return {};
  return append_repr(in, value, out);
}

Result<TextPtr> to_text(Interpreter& in, const Value& value) {
  if (value.text()) return value.text_ptr();
  Marked out;
  HANDMILL_OK(append_str(in, value, out));
  HANDMILL_TRY(Value made, in.text(std::move(out)));
  return made.text_ptr();
}

}  // namespace handmill::chat::jinja
