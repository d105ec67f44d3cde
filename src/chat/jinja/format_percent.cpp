// printf-style formatting, as Python's str % value does it.
#include <cmath>

#include "chat/jinja/arguments.h"
#include "chat/jinja/escape.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/objects.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

class PercentFormatter {
 public:
  PercentFormatter(Interpreter& in, const Marked& format, const Value& arguments)
      : in_(in), format_(format), arguments_(arguments) {
    if (const Sequence* s = arguments.sequence(); s && s->kind != Sequence::Kind::kList) {
      positional_ = s->items;
    } else {
      positional_ = {&arguments, 1};
      mapping_ = arguments.sequence() || arguments.dict() || arguments.is_undefined() ||
                 arguments.object_as<Range>();
    }
  }

  Result<Value> run() {
    std::string_view view = format_.view();
    out_.safe = format_.safe;
    while (at_ < view.size()) {
      size_t percent = std::min(view.find('%', at_), view.size());
      out_.append(format_, at_, percent);
      at_ = percent + 1;
      if (percent < view.size()) HANDMILL_OK(conversion());
    }
    if (next_ < positional_.size() && !mapping_) {
      return base::invalid("not all arguments converted during string formatting");
    }
    return in_.text(std::move(out_));
  }

 private:
  char peek() const { return at_ < format_.size() ? format_.view()[at_] : '\0'; }

  Result<Value> next_argument() {
    if (keyed_) {
      keyed_ = false;
      return key_value_;
    }
    if (next_ >= positional_.size()) {
      return base::invalid("not enough arguments for format string");
    }
    return positional_[next_++];
  }

  Status key() {
    if (peek() != '(') return {};
    if (!mapping_) return base::invalid("format requires a mapping");
    size_t begin = ++at_;
    for (int open = 1; open > 0; ++at_) {
      if (at_ >= format_.size()) return base::invalid("incomplete format key");
      open += peek() == '(' ? 1 : peek() == ')' ? -1 : 0;
    }
    Value name = Value::text(format_.view().substr(begin, at_ - begin - 1));
    if (const Dict* dict = arguments_.dict()) {
      const Value* found = dict->find(name.text()->view());
      if (!found) return base::invalid("KeyError: '{}'", name.text()->view());
      key_value_ = *found;
    } else {
      HANDMILL_OK(require_text(Value()));
    }
    keyed_ = true;
    next_ = positional_.size();
    return {};
  }

  Result<size_t> number(bool& negative) {
    if (peek() == '*') {
      ++at_;
      HANDMILL_TRY(Value value, next_argument());
      if (!value.as_integer()) return base::invalid("* wants int");
      Int n = *value.as_integer();
      negative = n < 0;
      n = negative ? -n : n;
      return static_cast<size_t>(std::min<Int>(n, Int{kTextBytesMax} + 1));
    }
    size_t n = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      n = std::min(n * 10 + static_cast<size_t>(peek() - '0'), kTextBytesMax + 1);
    }
    return n;
  }

  Status conversion() {
    HANDMILL_OK(in_.spend());
    HANDMILL_OK(key());
    FormatSpec spec;
    bool zero = false, left = false;
    for (bool more = true; more;) {
      char c = peek();
      more = c != '\0' && std::string_view("-+ #0").find(c) != std::string_view::npos;
      if (!more) break;
      ++at_;
      if (c == '-') left = true;
      if (c == '+') spec.sign = '+';
      if (c == ' ' && spec.sign != '+') spec.sign = ' ';
      if (c == '#') spec.alternate = true;
      if (c == '0') zero = true;
    }
    HANDMILL_TRY(spec.width, number(left));
    if (peek() == '.') {
      ++at_;
      bool negative = false;
      HANDMILL_TRY(size_t precision, number(negative));
      spec.precision = negative ? 0 : static_cast<int>(precision);
    }
    if (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    if (at_ >= format_.size()) return base::invalid("incomplete format");
    spec.type = format_.view()[at_++];
    if (spec.type == '%') return out_.append("%", format_.user_at(at_ - 1)), Status();
    HANDMILL_TRY(Value value, next_argument());
    bool numeric = std::string_view("diuxXoeEfFgG").find(spec.type) != std::string_view::npos;
    spec.align = left ? '<' : zero && numeric ? '=' : '>';
    if (spec.align == '=') spec.fill = Marked("0", false);
    Marked body;
    HANDMILL_OK(numeric ? number_body(value, spec, body) : text_body(value, spec, body));
    append_padded(out_, body, spec, '>');
    return {};
  }

  Status number_body(const Value& value, FormatSpec& spec, Marked& body) {
    if (spec.precision > static_cast<int>(kPrecisionMax)) {
      return base::limit("format precision: more than {}", kPrecisionMax);
    }
    auto as_number = value.as_number();
    if (!as_number) {
      if (value.is_undefined()) return base::invalid("{}", value.undefined_message());
      return base::invalid("%{} format: a number is required, not {}", spec.type,
                           value.type_name());
    }
    if (std::string_view("diuxXo").find(spec.type) == std::string_view::npos) {
      HANDMILL_TRY(std::string digits, format_float(*as_number, spec));
      return body.append(digits, false), Status();
    }
    bool decimal = spec.type == 'd' || spec.type == 'i' || spec.type == 'u';
    if (decimal) spec.type = 'd';
    auto integer = value.as_integer();
    if (!integer && (!decimal || !(std::abs(*as_number) < 1e37))) {
      return base::invalid("%{} format: an integer is required, not {}", spec.type,
                           value.type_name());
    }
    HANDMILL_TRY(std::string digits,
                 format_integer(integer ? *integer : static_cast<Int>(*as_number), spec));
    return body.append(digits, false), Status();
  }

  Status text_body(const Value& value, const FormatSpec& spec, Marked& body) {
    if (spec.type == 'c') {
      if (value.text() && code_points(value.text()->view()) == 1) {
        body = *value.text();
      } else if (auto c = value.as_integer();
                 c && *c >= 0 && *c < 0x110000 && !(*c >= 0xd800 && *c < 0xe000)) {
        std::string bytes;
        append_utf8(bytes, static_cast<char32_t>(*c));
        body.append(bytes, true);  // the number may be the user's
      } else {
        return base::invalid("%c requires int or char");
      }
      return {};
    }
    if (spec.type == 's') {
      HANDMILL_OK(append_str(in_, value, body));
    } else if (spec.type == 'r') {
      HANDMILL_OK(append_repr(in_, value, body));
    } else {
      return base::invalid("unsupported format character '{}'", spec.type);
    }
    if (out_.safe) body = escaped(value.text() && value.text()->safe ? *value.text() : body);
    if (spec.precision >= 0) {
      body = body.slice(0, offset_of(body.view(), static_cast<size_t>(spec.precision)));
    }
    return {};
  }

  Interpreter& in_;
  const Marked& format_;
  const Value& arguments_;
  std::span<const Value> positional_;
  bool mapping_ = false;
  size_t at_ = 0, next_ = 0;
  bool keyed_ = false;
  Value key_value_;
  Marked out_;
};

}  // namespace

Result<Value> format_percent(Interpreter& in, const Marked& format, const Value& arguments) {
  HANDMILL_OK(in.spend_bytes(format.size()));
  return PercentFormatter(in, format, arguments).run();
}

}  // namespace handmill::chat::jinja
