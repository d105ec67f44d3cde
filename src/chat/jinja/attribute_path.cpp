// Each step is a subscript, with an attribute as the second choice.
#include "chat/jinja/attribute_path.h"

#include "chat/jinja/interpreter.h"
#include "chat/jinja/numbers.h"

namespace handmill::chat::jinja {

Result<AttributePath> AttributePath::parse(const Value& attribute) {
  AttributePath path;
  if (attribute.is_none()) return path;
  if (!attribute.text()) {
    path.parts_.push_back(attribute);
    return path;
  }
  std::string_view rest = attribute.text()->view();
  for (bool more = true; more;) {
    size_t dot = rest.find('.');
    more = dot != std::string_view::npos;
    std::string_view part = rest.substr(0, dot);
    bool digits = !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    if (digits) {
      HANDMILL_TRY(auto number, parse_integer(part, 10));
      path.parts_.push_back(Value(number.value_or(0)));
    } else {
      path.parts_.push_back(Value::text(part));
    }
    if (more) rest.remove_prefix(dot + 1);
  }
  return path;
}

Result<Value> AttributePath::get(Interpreter& in, const Value& item, const Value& fallback) const {
  Value value = item;
  for (const Value& part : parts_) {
    HANDMILL_OK(in.spend());
    auto next = in.get_item(value, part);
    if (!next.ok()) return next;
    bool replace = next->is_undefined() && !fallback.is_none();
    value = replace ? fallback : std::move(*next);
  }
  return value;
}

}  // namespace handmill::chat::jinja
