// Filters on strings. All take anything and make a string of it first, as Jinja2's do.
#include "chat/jinja/arguments.h"
#include "chat/jinja/escape.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/strings.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

/// Python's str(): plain even where the text was safe.
Marked unsafe(Marked text) {
  text.safe = false;
  return text;
}

}  // namespace

Result<Value> filter_upper(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "upper", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  return in.text(in_case(*text, Case::kUpper));
}

Result<Value> filter_lower(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "lower", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  return in.text(in_case(*text, Case::kLower));
}

Result<Value> filter_capitalize(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "capitalize", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  return in.text(capitalized(*text));
}

Result<Value> filter_title(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "title", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  // Words begin behind white space and opening brackets; an apostrophe does not begin one.
  Marked out;
  bool word_start = true;
  size_t word = 0;
  for (size_t at = 0; at < text->size() && !out.overflowed();) {
    size_t begin = at;
    char32_t c = next_code_point(text->view(), at);
    bool separator = c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || is_space(c);
    if (separator) {
      out.append(*text, begin, at);
      word_start = true;
      word = at;
    } else if (word_start) {
      append_in_case(out, *text, begin, at, Case::kUpper);
      word_start = false;
      word = at;
    } else {
      // The final sigma looks at its own word alone.
      size_t end = at;
      while (end < text->size()) {
        size_t next = end;
        char32_t d = next_code_point(text->view(), next);
        if (d == '-' || d == '(' || d == '{' || d == '[' || d == '<' || is_space(d)) break;
        end = next;
      }
      out.append(in_case(text->slice(word, end), Case::kLower));
      at = end;
    }
  }
  return in.text(std::move(out));
}

Result<Value> filter_trim(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "trim", {"chars"}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  if (!given(p[0])) return in.text(stripped(*text, nullptr));
  HANDMILL_TRY(TextPtr characters, require_text(*p[0]));
  return in.text(stripped(*text, characters.get()));
}

Result<Value> filter_replace(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "replace", {"old", "new", "count"}, 2));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  HANDMILL_TRY(TextPtr from, to_text(in, *p[0]));
  HANDMILL_TRY(TextPtr to, to_text(in, *p[1]));
  Int count = -1;
  if (given(p[2])) {
    HANDMILL_TRY(count, require_integer(*p[2]));
  }
  return replaced(in, unsafe(*text), unsafe(*from), unsafe(*to), count);
}

Result<Value> filter_center(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "center", {"width"}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  HANDMILL_TRY(Int width, integer_or(p[0], 80));
  return justified(in, *text, width, Marked(" ", false), Side::kBoth);
}

Result<Value> filter_indent(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "indent", {"width", "first", "blank"}));
  HANDMILL_TRY(TextPtr text, require_text(subject));
  bool first = truth_or(p[1], false), blank = truth_or(p[2], false);
  Marked indention;
  if (p[0] && p[0]->text()) {
    indention = *p[0]->text();
  } else {
    HANDMILL_TRY(Int width, integer_or(p[0], 4));
    if (width > Int{kTextBytesMax}) return base::limit("string bytes: more than {}", kTextBytesMax);
    indention.append_repeated(Marked(" ", false), width > 0 ? static_cast<size_t>(width) : 0);
  }
  if (text->safe) indention = escaped(indention);
  Marked source = *text;
  source.append("\n", false);
  HANDMILL_TRY(std::vector<Value> lines, split_lines(in, source, false));
  Marked out;
  out.safe = text->safe;
  for (size_t i = 0; i < lines.size() && !out.overflowed(); ++i) {
    const Marked& line = *lines[i].text();
    if (i > 0) out.append("\n", false);
    if (i == 0 ? first : blank || !line.empty()) out.append(indention);
    out.append(line);
  }
  return in.text(std::move(out));
}

Result<Value> filter_truncate(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "truncate", {"length", "killwords", "end", "leeway"}));
  HANDMILL_TRY(Int length, integer_or(p[0], 255));
  HANDMILL_TRY(TextPtr end, text_or(p[2], "..."));
  Int leeway = 5;
  if (given(p[3])) {
    HANDMILL_TRY(leeway, require_integer(*p[3]));
  }
  Int end_length = Int{code_points(end->view())};
  if (length < end_length) return base::invalid("expected length >= {}", end_length);
  if (leeway < 0) return base::invalid("expected leeway >= 0");
  if (!subject.text()) {
    HANDMILL_TRY(Value size, filter_length(in, subject, {}));
    if (*size.as_integer() <= length + leeway) return subject;
  }
  HANDMILL_TRY(TextPtr text, require_text(subject));
  if (Int{code_points(text->view())} <= length + leeway) return subject;
  size_t cut = offset_of(text->view(), static_cast<size_t>(length - end_length));
  if (!truth_or(p[1], false)) {
    size_t space = text->view().substr(0, cut).rfind(' ');
    if (space != std::string_view::npos) cut = space;
  }
  Marked out = text->slice(0, cut);
  out.append(out.safe ? escaped(*end) : *end);
  return in.text(std::move(out));
}

Result<Value> filter_wordcount(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "wordcount", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  size_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < text->size();) {
    bool word = is_word(next_code_point(text->view(), at));
    words += word && !inside;
    inside = word;
  }
  return Value(words);
}

Result<Value> filter_string(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "string", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  return Value(std::move(text));
}

Result<Value> filter_format(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  if (!arguments.named.empty()) {
    if (!arguments.positional.empty()) {
      return base::invalid("format takes either positional or named arguments");
    }
    auto dict = std::make_shared<Dict>();
    for (const auto& [name, value] : arguments.named) {
      HANDMILL_OK(dict->set(Value::text(name), value));
    }
    return format_percent(in, *text, Value(DictPtr(std::move(dict))));
  }
  HANDMILL_TRY(Value tuple, make_sequence(arguments.positional, Sequence::Kind::kTuple));
  return format_percent(in, *text, tuple);
}

}  // namespace handmill::chat::jinja
