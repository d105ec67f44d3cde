// Filters that write another notation: HTML, URLs, JSON.
#include "chat/jinja/arguments.h"
#include "chat/jinja/escape.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/json.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/strings.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

/// Percent-encodes the UTF-8 of everything but letters, digits, _.-~ and `kept`.
void append_quoted(const Marked& text, std::string_view kept, bool plus, Marked& out) {
  for (size_t i = 0; i < text.size() && !out.overflowed(); ++i) {
    char c = text.view()[i];
    bool user = text.user_at(i);
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 std::string_view("_.-~").find(c) != std::string_view::npos ||
                 kept.find(c) != std::string_view::npos;
    if (plain) {
      out.append({&c, 1}, user);
    } else if (plus && c == ' ') {
      out.append("+", user);
    } else {
      out.append(fmt::format("%{:02X}", static_cast<unsigned char>(c)), user);
    }
  }
}

Status append_separators(const Value& separators, JsonStyle& style, Interpreter& in) {
  HANDMILL_TRY(Items pair, in.iterate(separators));
  if (pair.size() != 2) return base::invalid("separators must be a pair");
  HANDMILL_TRY(TextPtr item, require_text(pair[0]));
  HANDMILL_TRY(TextPtr key, require_text(pair[1]));
  style.item_separator = *item;
  style.key_separator = *key;
  return {};
}

/// Removes what stands between `open` and the next `close`; an unclosed one stays.
Marked without(const Marked& text, std::string_view open, std::string_view close) {
  Marked out;
  size_t at = 0;
  for (;;) {
    size_t begin = text.view().find(open, at);
    if (begin == std::string_view::npos) break;
    size_t end = text.view().find(close, begin + open.size());
    if (end == std::string_view::npos) break;
    out.append(text, at, begin);
    at = end + close.size();
  }
  out.append(text, at, text.size());
  return out;
}

}  // namespace

Result<Value> filter_safe(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "safe", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  Marked safe = *text;
  safe.safe = true;
  return in.text(std::move(safe));
}

Result<Value> filter_escape(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "escape", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  Marked out = escaped(*text);
  out.safe = true;
  return in.text(std::move(out));
}

Result<Value> filter_forceescape(Interpreter& in, const Value& subject,
                                 const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "forceescape", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  Marked plain = *text;
  plain.safe = false;
  return in.text(escaped(plain));
}

Result<Value> filter_striptags(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "striptags", {}));
  HANDMILL_TRY(TextPtr text, to_text(in, subject));
  Marked bare = without(without(*text, "<!--", "-->"), "<", ">");
  HANDMILL_TRY(std::vector<Value> words, split(in, bare, nullptr, -1, false));
  HANDMILL_TRY(Value line, joined(in, Marked(" ", false), Items(std::move(words)), false));
  Marked out = *line.text();
  struct Entity {
    std::string_view name, text;
  };
  constexpr Entity kEntities[] = {{"&lt;", "<"},    {"&gt;", ">"},  {"&#34;", "\""},
                                  {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const Entity& entity : kEntities) {
    HANDMILL_TRY(Value next, replaced(in, out, Marked(std::string(entity.name), false),
                                      Marked(std::string(entity.text), true), -1));
    out = *next.text();
  }
  return in.text(std::move(out));
}

Result<Value> filter_urlencode(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "urlencode", {}));
  Marked out;
  if (subject.text() || !(subject.sequence() || subject.dict() || subject.object())) {
    HANDMILL_TRY(TextPtr text, to_text(in, subject));
    append_quoted(*text, "/", false, out);
    return in.text(std::move(out));
  }
  Value pairs = subject;
  if (subject.dict()) {
    HANDMILL_TRY(pairs, filter_items(in, subject, {}));
  }
  HANDMILL_TRY(Items items, in.iterate(pairs));
  for (size_t i = 0; i < items.size(); ++i) {
    HANDMILL_TRY(Items pair, in.iterate(items[i]));
    if (pair.size() != 2) return base::invalid("urlencode needs pairs");
    if (i) out.append("&", false);
    for (size_t k = 0; k < 2; ++k) {
      HANDMILL_TRY(TextPtr text, to_text(in, pair[k]));
      append_quoted(*text, "", true, out);
      if (k == 0) out.append("=", false);
    }
  }
  return in.text(std::move(out));
}

Result<Value> filter_xmlattr(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "xmlattr", {"autospace"}));
  if (!subject.dict()) return base::invalid("xmlattr needs a dict, not '{}'", subject.type_name());
  Marked out;
  for (const Dict::Entry& entry : subject.dict()->entries()) {
    HANDMILL_OK(in.spend());
    if (entry.value.is_none() || entry.value.is_undefined()) continue;
    HANDMILL_TRY(TextPtr key, require_text(entry.key));
    if (key->view().find_first_of(" \t\n\r\f\v/>=") != std::string_view::npos) {
      return base::invalid("Invalid character in attribute name: '{}'", key->view());
    }
    HANDMILL_TRY(TextPtr value, to_text(in, entry.value));
    if (!out.empty() || truth_or(p[0], true)) out.append(" ", false);
    out.append(escaped(*key));
    out.append("=\"", false);
    out.append(escaped(*value));
    out.append("\"", false);
  }
  return in.text(std::move(out));
}

Result<Value> filter_tojson(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p,
               bind(arguments, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ascii = truth_or(p[0], false);
  style.sort_keys = truth_or(p[3], false);
  style.pretty = given(p[1]);
  style.item_separator = Marked(style.pretty ? "," : ", ", false);
  style.key_separator = Marked(": ", false);
  if (style.pretty && p[1]->text()) {
    style.indent = *p[1]->text();
  } else if (style.pretty) {
    HANDMILL_TRY(Int width, require_integer(*p[1]));
    if (width > Int{kTextBytesMax}) return base::limit("string bytes: more than {}", kTextBytesMax);
    style.indent.append_repeated(Marked(" ", false), width > 0 ? static_cast<size_t>(width) : 0);
  }
  if (given(p[2])) HANDMILL_OK(append_separators(*p[2], style, in));
  Marked out;
  HANDMILL_OK(append_json(in, subject, style, out));
  return in.text(std::move(out));
}

}  // namespace handmill::chat::jinja
