// Binding by position, then by name.
#include "chat/jinja/arguments.h"

namespace handmill::chat::jinja {

Result<std::vector<Maybe>> bind(const Arguments& arguments, std::string_view function,
                                std::initializer_list<std::string_view> names, size_t required) {
  if (arguments.positional.size() > names.size()) {
    return base::invalid("{}() takes at most {} arguments ({} given)", function, names.size(),
                         arguments.positional.size());
  }
  std::vector<Maybe> bound(names.size());
  for (size_t i = 0; i < arguments.positional.size(); ++i) bound[i] = arguments.positional[i];
  for (const auto& [key, value] : arguments.named) {
    size_t i = 0;
    while (i < names.size() && names.begin()[i] != key) ++i;
    if (i == names.size()) {
      return base::invalid("{}() got an unexpected keyword argument '{}'", function, key);
    }
    if (bound[i]) {
      return base::invalid("{}() got multiple values for argument '{}'", function, key);
    }
    bound[i] = value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (bound[i]) continue;
    return base::invalid("{}() missing required argument '{}'", function, names.begin()[i]);
  }
  return bound;
}

Result<std::vector<Maybe>> bind_positional(const Arguments& arguments, std::string_view function,
                                           size_t required, size_t most) {
  if (!arguments.named.empty()) {
    return base::invalid("{}() takes no keyword arguments", function);
  }
  size_t n = arguments.positional.size();
  if (n < required || n > most) {
    return base::invalid("{}() takes {} to {} arguments ({} given)", function, required, most, n);
  }
  std::vector<Maybe> bound(most);
  for (size_t i = 0; i < n; ++i) bound[i] = arguments.positional[i];
  return bound;
}

Result<Int> require_integer(const Value& value) {
  if (auto integer = value.as_integer()) return *integer;
  if (value.is_undefined()) return base::invalid("{}", value.undefined_message());
  return base::invalid("'{}' object cannot be interpreted as an integer", value.type_name());
}

Result<TextPtr> require_text(const Value& value) {
  if (value.text()) return value.text_ptr();
  return base::invalid("a string is expected, not '{}'", value.type_name());
}

Result<Int> integer_or(const Maybe& value, Int fallback) {
  if (!value) return fallback;
  return require_integer(*value);
}

Result<TextPtr> text_or(const Maybe& value, std::string_view fallback) {
  if (value) return require_text(*value);
  return std::make_shared<const Marked>(Marked(std::string(fallback), false));
}

}  // namespace handmill::chat::jinja
