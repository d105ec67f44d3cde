// str.format: "{}", "{0}", "{name.attribute[key]!r:>10}".
#include "chat/jinja/arguments.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& in, const Marked& format, const Arguments& arguments)
      : in_(in), format_(format), arguments_(arguments) {}

  Result<Value> run() {
    std::string_view view = format_.view();
    for (size_t at = 0; at < view.size();) {
      size_t brace = std::min(view.find_first_of("{}", at), view.size());
      out_.append(format_, at, brace);
      if (brace == view.size()) break;
      if (brace + 1 < view.size() && view[brace + 1] == view[brace]) {
        out_.append(format_, brace, brace + 1);
        at = brace + 2;
        continue;
      }
      if (view[brace] == '}') return base::invalid("Single '}}' encountered in format string");
      size_t end = brace + 1;
      for (int open = 1; open > 0; ++end) {
        if (end >= view.size()) return base::invalid("expected '}}' before end of string");
        open += view[end] == '{' ? 1 : view[end] == '}' ? -1 : 0;
      }
      HANDMILL_OK(field(brace + 1, end - 1));
      at = end;
    }
    out_.safe = format_.safe;
    return in_.text(std::move(out_));
  }

 private:
  Status field(size_t begin, size_t end) {
    HANDMILL_OK(in_.spend());
    std::string_view view = format_.view().substr(0, end);
    size_t bracket = begin;
    // The first ! or : outside of [ ] ends the name.
    for (int open = 0; bracket < end; ++bracket) {
      if (view[bracket] == '[') open = 1;
      if (view[bracket] == ']') open = 0;
      if (!open && (view[bracket] == '!' || view[bracket] == ':')) break;
    }
    HANDMILL_TRY(Value value, lookup(view.substr(begin, bracket - begin)));
    char conversion = '\0';
    size_t at = bracket;
    if (at < end && view[at] == '!') {
      if (at + 1 >= end) return base::invalid("end of string while looking for conversion");
      conversion = view[at + 1];
      at += 2;
      if (at < end && view[at] != ':') return base::invalid("expected ':' after conversion");
    }
    if (conversion == 's' || conversion == 'r') {
      Marked text;
      HANDMILL_OK(conversion == 's' ? append_str(in_, value, text) : append_repr(in_, value, text));
      HANDMILL_TRY(value, in_.text(std::move(text)));
    } else if (conversion) {
      return base::invalid("unknown conversion specifier '{}'", conversion);
    }
    Marked spec = at < end ? format_.slice(at + 1, end) : Marked();
    if (spec.view().find('{') != std::string_view::npos) {
      return base::unsupported("nested fields in a format spec are not supported");
    }
    return append_formatted(value, spec);
  }

  Result<Value> first_value(std::string_view name) {
    if (name.empty()) {
      if (next_ < 0) return base::invalid("cannot switch from manual to automatic numbering");
      return positional(static_cast<size_t>(next_++));
    }
    if (all_digits(name)) {
      if (next_ > 0) return base::invalid("cannot switch from automatic to manual numbering");
      next_ = -1;
      if (name.size() > 6) return base::invalid("replacement index out of range");
      return positional(static_cast<size_t>(std::stoul(std::string(name))));
    }
    for (const auto& [key, value] : arguments_.named) {
      if (key == name) return value;
    }
    return base::invalid("KeyError: '{}'", name);
  }

  Result<Value> positional(size_t index) {
    if (index < arguments_.positional.size()) return arguments_.positional[index];
    return base::invalid("Replacement index {} out of range for positional args tuple", index);
  }

  Result<Value> lookup(std::string_view name) {
    size_t end = std::min(name.find_first_of(".["), name.size());
    HANDMILL_TRY(Value value, first_value(name.substr(0, end)));
    while (end < name.size()) {
      bool attribute = name[end] == '.';
      size_t stop = attribute ? std::min(name.find_first_of(".[", end + 1), name.size())
                              : name.find(']', end);
      if (stop == std::string_view::npos) return base::invalid("missing ']' in format string");
      std::string_view part = name.substr(end + 1, stop - end - 1);
      if (part.empty()) return base::invalid("empty attribute in format string");
      Value key = Value::text(part);
      if (!attribute && all_digits(part) && part.size() < 10)
        key = Value(std::stoi(std::string(part)));
      HANDMILL_TRY(value, attribute ? in_.get_attr(value, part) : in_.get_item(value, key));
      end = stop + (attribute ? 0 : 1);
      if (!attribute && end < name.size() && name[end] != '.' && name[end] != '[') {
        return base::invalid("only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  Result<FormatSpec> parse(const Marked& text) {
    FormatSpec spec;
    std::string_view view = text.view();
    auto is_align = [](char c) {
      return std::string_view("<>=^").find(c) != std::string_view::npos;
    };
    size_t at = 0;
    if (size_t next = 0; !view.empty()) {
      next_code_point(view, next);
      if (next < view.size() && is_align(view[next])) {
        spec.fill = text.slice(0, next);
        spec.align = view[next];
        at = next + 1;
      } else if (is_align(view[0])) {
        spec.align = view[0];
        at = 1;
      }
    }
    auto peek = [&] { return at < view.size() ? view[at] : '\0'; };
    auto number = [&] {
      size_t n = 0;
      for (; peek() >= '0' && peek() <= '9'; ++at) {
        n = std::min(n * 10 + static_cast<size_t>(peek() - '0'), kTextBytesMax + 1);
      }
      return n;
    };
    spec.sign = '\0';
    if (peek() == '+' || peek() == '-' || peek() == ' ') spec.sign = view[at++];
    if (peek() == '#') spec.alternate = true, ++at;
    if (peek() == '0') {
      if (spec.fill.empty()) spec.fill = Marked("0", false);
      if (!spec.align) spec.align = '0';  // '=' for numbers, '<' for text
      ++at;
    }
    spec.width = number();
    if (peek() == ',' || peek() == '_') spec.grouping = view[at++];
    if (peek() == '.') {
      size_t begin = ++at;
      spec.precision = static_cast<int>(number());
      if (at == begin) return base::invalid("Format specifier missing precision");
    }
    if (peek()) spec.type = view[at++];
    if (at < view.size()) return base::invalid("Invalid format specifier");
    return spec;
  }

  Status append_formatted(const Value& value, const Marked& spec_text) {
    if (spec_text.empty()) return append_str(in_, value, out_);
    HANDMILL_TRY(FormatSpec spec, parse(spec_text));
    Marked body;
    char align = '>';
    if (value.text()) {
      HANDMILL_OK(text_body(*value.text(), spec, body));
      align = '<';
    } else if (value.integer() || value.number() || (value.boolean() && spec.type)) {
      HANDMILL_OK(number_body(value, spec, body));
    } else {
      return base::invalid("unsupported format string passed to {}.__format__", value.type_name());
    }
    append_padded(out_, body, spec, align);
    return {};
  }

  Status text_body(const Marked& text, FormatSpec& spec, Marked& body) {
    bool bad = (spec.type && spec.type != 's') || spec.sign || spec.align == '=' || spec.grouping ||
               spec.alternate;
    if (bad) return base::invalid("Invalid format specifier for a string");
    if (spec.align == '0') spec.align = '<';
    size_t end = spec.precision < 0 ? text.size()
                                    : offset_of(text.view(), static_cast<size_t>(spec.precision));
    body = text.slice(0, end);
    return {};
  }

  Status number_body(const Value& value, FormatSpec& spec, Marked& body) {
    if (spec.precision > static_cast<int>(kPrecisionMax)) {
      return base::limit("format precision: more than {}", kPrecisionMax);
    }
    bool zeros = spec.align == '0' || (spec.align == '=' && spec.fill.view() == "0");
    if (zeros && spec.grouping) {
      return base::unsupported("zero padding with a thousands separator is not supported");
    }
    if (spec.align == '0') spec.align = '=';
    auto integer = value.as_integer();
    bool as_integer = integer && (!spec.type || std::string_view("dxXob").find(spec.type) !=
                                                    std::string_view::npos);
    if (as_integer && spec.precision >= 0) {
      return base::invalid("Precision not allowed in integer format specifier");
    }
    bool known =
        as_integer || std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
    if (!known && spec.type) {
      return base::invalid("Unknown format code '{}' for object of type '{}'", spec.type,
                           value.type_name());
    }
    if (as_integer && !spec.type) spec.type = 'd';
    HANDMILL_TRY(std::string digits, as_integer ? format_integer(*integer, spec)
                                                : format_float(*value.as_number(), spec));
    body.append(digits, false);
    return {};
  }

  Interpreter& in_;
  const Marked& format_;
  const Arguments& arguments_;
  int next_ = 0;  // number of the next "{}"; -1: fields are numbered by hand
  Marked out_;
};

}  // namespace

Result<Value> format_braces(Interpreter& in, const Marked& format, const Arguments& arguments) {
  HANDMILL_OK(in.spend_bytes(format.size()));
  return BraceFormatter(in, format, arguments).run();
}

}  // namespace handmill::chat::jinja
