// Methods of str that make new strings.
#include "chat/jinja/arguments.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/strings.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

template <Case to>
Result<Value> to_case(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "method", 0, 0));
  return in.text(in_case(*self.text(), to));
}

Result<Value> capitalize(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "capitalize", 0, 0));
  return in.text(capitalized(*self.text()));
}

template <Side side>
Result<Value> strip(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "strip", 0, 1));
  if (!given(p[0])) return in.text(stripped(*self.text(), nullptr, side));
  HANDMILL_TRY(TextPtr characters, require_text(*p[0]));
  return in.text(stripped(*self.text(), characters.get(), side));
}

template <Side side>
Result<Value> justify(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "justify", 1, 2));
  HANDMILL_TRY(Int width, require_integer(*p[0]));
  HANDMILL_TRY(TextPtr fill, text_or(p[1], " "));
  return justified(in, *self.text(), width, *fill, side);
}

Result<Value> zero_fill(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "zfill", 1, 1));
  HANDMILL_TRY(Int width, require_integer(*p[0]));
  const Marked& text = *self.text();
  size_t sign = text.view().starts_with('-') || text.view().starts_with('+') ? 1 : 0;
  Int pad = width - Int{code_points(text.view())};
  if (pad > Int{kTextBytesMax}) return base::limit("string bytes: more than {}", kTextBytesMax);
  Marked out = text.slice(0, sign);
  out.append_repeated(Marked("0", false), pad > 0 ? static_cast<size_t>(pad) : 0);
  out.append(text, sign, text.size());
  return in.text(std::move(out));
}

Result<Value> replace(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "replace", 2, 3));
  HANDMILL_TRY(TextPtr from, require_text(*p[0]));
  HANDMILL_TRY(TextPtr to, require_text(*p[1]));
  HANDMILL_TRY(Int count, integer_or(p[2], -1));
  return replaced(in, *self.text(), *from, *to, count);
}

template <bool from_right>
Result<Value> split_method(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "split", {"sep", "maxsplit"}));
  HANDMILL_TRY(Int most, integer_or(p[1], -1));
  TextPtr separator;
  if (given(p[0])) {
    HANDMILL_TRY(separator, require_text(*p[0]));
  }
  HANDMILL_TRY(auto parts, split(in, *self.text(), separator.get(), most, from_right));
  return make_sequence(std::move(parts));
}

Result<Value> split_lines_method(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "splitlines", {"keepends"}));
  HANDMILL_TRY(auto lines, split_lines(in, *self.text(), truth_or(p[0], false)));
  return make_sequence(std::move(lines));
}

template <bool from_right>
Result<Value> partition(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "partition", 1, 1));
  HANDMILL_TRY(TextPtr separator, require_text(*p[0]));
  if (separator->empty()) return base::invalid("empty separator");
  const Marked& text = *self.text();
  size_t at = 0;
  if (from_right) {
    HANDMILL_TRY(at, find_last(in, text.view(), separator->view()));
  } else {
    at = find_text(text.view(), separator->view());
  }
  bool found = at != std::string_view::npos;
  size_t cut = found ? at : from_right ? 0 : text.size();
  size_t rest = found ? at + separator->size() : cut;
  HANDMILL_TRY(Value before, in.text(text.slice(0, cut)));
  Marked middle = found ? *separator : Marked();
  middle.safe = text.safe;
  HANDMILL_TRY(Value between, in.text(std::move(middle)));
  HANDMILL_TRY(Value after, in.text(text.slice(rest, text.size())));
  return make_sequence({std::move(before), std::move(between), std::move(after)},
                       Sequence::Kind::kTuple);
}

Result<Value> join(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "join", 1, 1));
  HANDMILL_TRY(Items items, in.iterate(*p[0]));
  return joined(in, *self.text(), items, true);
}

template <bool prefix>
Result<Value> remove_affix(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "removeprefix", 1, 1));
  HANDMILL_TRY(TextPtr affix, require_text(*p[0]));
  const Marked& text = *self.text();
  if (prefix && text.view().starts_with(affix->view())) {
    return in.text(text.slice(affix->size(), text.size()));
  }
  if (!prefix && text.view().ends_with(affix->view())) {
    return in.text(text.slice(0, text.size() - affix->size()));
  }
  return self;
}

Result<Value> expand_tabs(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "expandtabs", {"tabsize"}));
  HANDMILL_TRY(Int size, integer_or(p[0], 8));
  if (size > Int{kTextBytesMax}) return base::limit("string bytes: more than {}", kTextBytesMax);
  const Marked& text = *self.text();
  Marked out;
  Int column = 0;
  for (size_t at = 0; at < text.size() && !out.overflowed();) {
    size_t begin = at;
    char32_t c = next_code_point(text.view(), at);
    if (c == '\t') {
      Int spaces = size > 0 ? size - column % size : 0;
      out.append_repeated(Marked(" ", text.user_at(begin)), static_cast<size_t>(spaces));
      column += spaces;
    } else {
      out.append(text, begin, at);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
  }
  return in.text(std::move(out));
}

Result<Value> format(Interpreter& in, const Value& self, const Arguments& arguments) {
  return format_braces(in, *self.text(), arguments);
}

Result<Value> format_map(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "format_map", 1, 1));
  if (!p[0]->dict()) return base::invalid("format_map needs a dict");
  Arguments named;
  for (const Dict::Entry& entry : p[0]->dict()->entries()) {
    HANDMILL_OK(in.spend());
    if (entry.key.text()) named.named.emplace_back(entry.key.text()->view(), entry.value);
  }
  return format_braces(in, *self.text(), named);
}

Result<Value> unsupported(Interpreter&, const Value&, const Arguments&) {
  return base::unsupported("this method of str is not supported");
}

constexpr Method kMethods[] = {
    {"upper", to_case<Case::kUpper>},
    {"lower", to_case<Case::kLower>},
    {"title", to_case<Case::kTitle>},
    {"swapcase", to_case<Case::kSwap>},
    {"casefold", to_case<Case::kFold>},
    {"capitalize", capitalize},
    {"strip", strip<Side::kBoth>},
    {"lstrip", strip<Side::kLeft>},
    {"rstrip", strip<Side::kRight>},
    {"center", justify<Side::kBoth>},
    {"ljust", justify<Side::kLeft>},
    {"rjust", justify<Side::kRight>},
    {"zfill", zero_fill},
    {"replace", replace},
    {"split", split_method<false>},
    {"rsplit", split_method<true>},
    {"splitlines", split_lines_method},
    {"partition", partition<false>},
    {"rpartition", partition<true>},
    {"join", join},
    {"removeprefix", remove_affix<true>},
    {"removesuffix", remove_affix<false>},
    {"expandtabs", expand_tabs},
    {"format", format},
    {"format_map", format_map},
    {"encode", unsupported},
    {"translate", unsupported},
    {"maketrans", unsupported},
};

}  // namespace

const Method* find_text_method(std::string_view name) {
  for (const Method& method : kMethods) {
    if (method.name == name) return &method;
  }
  return find_text_query(name);
}

}  // namespace handmill::chat::jinja
