// Methods of str that answer a question about the text.
#include "chat/jinja/arguments.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/strings.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

/// The part of a text that optional start and end, in characters, select.
struct Window {
  std::string_view text;
  size_t first = 0;   // characters before it
  bool valid = true;  // start does not lie behind the end of the text
};

Result<Window> window(const Marked& text, const Maybe& start, const Maybe& end) {
  Window out{text.view()};
  Int length = Int{code_points(text.view())};
  auto clamp = [&](Int i) { return i < 0 ? std::max<Int>(i + length, 0) : i; };
  Int from = 0, to = length;
  if (given(start)) {
    HANDMILL_TRY(from, require_integer(*start));
    from = clamp(from);
  }
  if (given(end)) {
    HANDMILL_TRY(to, require_integer(*end));
    to = std::min(clamp(to), length);
  }
  out.valid = from <= to && from <= length;
  if (!out.valid) {
    out.text = {};
    return out;
  }
  size_t begin = offset_of(text.view(), static_cast<size_t>(from));
  size_t stop = offset_of(text.view(), static_cast<size_t>(to));
  out.text = text.view().substr(begin, stop - begin);
  out.first = static_cast<size_t>(from);
  return out;
}

template <bool prefix>
Result<Value> starts_with(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, prefix ? "startswith" : "endswith", 1, 3));
  HANDMILL_TRY(Window w, window(*self.text(), p[1], p[2]));
  HANDMILL_OK(in.spend_bytes(self.text()->size()));
  auto matches = [&](const Marked& affix) {
    if (!w.valid) return false;
    return prefix ? w.text.starts_with(affix.view()) : w.text.ends_with(affix.view());
  };
  if (p[0]->text()) return Value(matches(*p[0]->text()));
  const Sequence* several = p[0]->sequence();
  if (!several || several->kind == Sequence::Kind::kList) {
    return base::invalid("first arg must be str or a tuple of str, not {}", p[0]->type_name());
  }
  for (const Value& affix : several->items) {
    HANDMILL_OK(in.spend());
    HANDMILL_TRY(TextPtr text, require_text(affix));
    if (matches(*text)) return Value(true);
  }
  return Value(false);
}

template <bool last, bool must>
Result<Value> find(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "find", 1, 3));
  HANDMILL_TRY(TextPtr needle, require_text(*p[0]));
  HANDMILL_TRY(Window w, window(*self.text(), p[1], p[2]));
  HANDMILL_OK(in.spend_bytes(self.text()->size()));
  size_t at = std::string_view::npos;
  if (w.valid && last) {
    HANDMILL_TRY(at, find_last(in, w.text, needle->view()));
  } else if (w.valid) {
    at = find_text(w.text, needle->view());
  }
  if (at != std::string_view::npos) return Value(w.first + code_points(w.text.substr(0, at)));
  if (must) return base::invalid("substring not found");
  return Value(-1);
}

Result<Value> count(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "count", 1, 3));
  HANDMILL_TRY(TextPtr needle, require_text(*p[0]));
  HANDMILL_TRY(Window w, window(*self.text(), p[1], p[2]));
  HANDMILL_OK(in.spend_bytes(self.text()->size()));
  if (!w.valid) return Value(0);
  if (needle->empty()) return Value(code_points(w.text) + 1);
  size_t n = 0;
  for (size_t at = 0; (at = find_text(w.text, needle->view(), at)) != std::string_view::npos; ++n) {
    at += needle->size();
  }
  return Value(n);
}

/// All characters are such, and there is one.
template <bool (*holds)(char32_t), bool when_empty>
Result<Value> all(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "method", 0, 0));
  HANDMILL_OK(in.spend_bytes(self.text()->size()));
  const Marked& text = *self.text();
  if (text.empty()) return Value(when_empty);
  for (size_t at = 0; at < text.size();) {
    if (!holds(next_code_point(text.view(), at))) return Value(false);
  }
  return Value(true);
}

template <bool (*wanted)(char32_t), bool (*unwanted)(char32_t)>
Result<Value> all_cased(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "method", 0, 0));
  HANDMILL_OK(in.spend_bytes(self.text()->size()));
  bool any = false;
  for (size_t at = 0; at < self.text()->size();) {
    char32_t c = next_code_point(self.text()->view(), at);
    if (unwanted(c) || jinja::is_title(c)) return Value(false);
    any = any || wanted(c);
  }
  return Value(any);
}

Result<Value> is_titled(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "istitle", 0, 0));
  HANDMILL_OK(in.spend_bytes(self.text()->size()));
  bool any = false, previous_cased = false;
  for (size_t at = 0; at < self.text()->size();) {
    char32_t c = next_code_point(self.text()->view(), at);
    bool upper = is_upper(c) || is_title(c), lower = is_lower(c);
    if ((upper && previous_cased) || (lower && !previous_cased)) return Value(false);
    previous_cased = upper || lower;
    any = any || previous_cased;
  }
  return Value(any);
}

bool alnum(char32_t c) { return is_alpha(c) || is_decimal(c) || is_digit(c) || is_numeric(c); }
bool ascii(char32_t c) { return c < 0x80; }

Result<Value> is_identifier(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(Value words, (all<is_word, false>(in, self, arguments)));
  if (!words.truth()) return words;
  size_t at = 0;
  return Value(!is_numeric(next_code_point(self.text()->view(), at)));
}

constexpr Method kQueries[] = {
    {"startswith", starts_with<true>},
    {"endswith", starts_with<false>},
    {"find", find<false, false>},
    {"rfind", find<true, false>},
    {"index", find<false, true>},
    {"rindex", find<true, true>},
    {"count", count},
    {"isalpha", all<is_alpha, false>},
    {"isdigit", all<is_digit, false>},
    {"isdecimal", all<is_decimal, false>},
    {"isnumeric", all<is_numeric, false>},
    {"isspace", all<is_space, false>},
    {"isalnum", all<alnum, false>},
    {"isascii", all<ascii, true>},
    {"isprintable", all<is_printable, true>},
    {"isidentifier", is_identifier},
    {"isupper", all_cased<is_upper, is_lower>},
    {"islower", all_cased<is_lower, is_upper>},
    {"istitle", is_titled},
};

}  // namespace

const Method* find_text_query(std::string_view name) {
  for (const Method& method : kQueries) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

}  // namespace handmill::chat::jinja
