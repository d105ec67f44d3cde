#include "api/fields.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "base/quote.h"

namespace handmill::api {
namespace {

namespace json = boost::json;

constexpr size_t kIgnoredMax = 16;  // names kept for the log
constexpr size_t kNameShown = 40;   // bytes of a client's own name in a path

/// A name as it is where it looks like one, otherwise quoted.
std::string shown(std::string_view name) {
  const bool plain = !name.empty() && name.size() <= kNameShown &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                              (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
                     });
  return plain ? std::string(name) : base::quoted(name, kNameShown);
}

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
  }
  return "a value";
}

/// A number written as a whole one; nullopt where it is none or has no int64.
std::optional<int64_t> whole_number(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (!value.is_double()) return std::nullopt;  // a uint64 here is one that int64 cannot hold
  const double number = value.get_double();
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond, neighbours share a double
  if (!(std::fabs(number) <= kExact) || number != std::trunc(number)) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::string number_text(const json::value& value) {
  if (value.is_int64()) return fmt::format("{}", value.get_int64());
  if (value.is_uint64()) return fmt::format("{}", value.get_uint64());
  return fmt::format("{}", value.get_double());
}

}  // namespace

void Reading::fail(Fault::Kind kind, std::string param, std::string message) {
  if (!fault) fault = Fault{kind, std::move(message), std::move(param)};
}

void Reading::ignore(std::string path) {
  if (ignored.size() < kIgnoredMax) ignored.push_back(std::move(path));
}

void Field::fail(Fault::Kind kind, const std::string& what) const {
  reading_->fail(kind, path_, path_ + " " + what);
}

void Field::wrong_type(std::string_view wanted) const {
  if (given())
    invalid("is {}; it must be {}", kind_name(*value_), wanted);
  else
    invalid("is missing; it must be {}", wanted);
}

bool Field::read(bool& out) const {
  if (!given()) return false;
  if (!value_->is_bool()) return wrong_type("true or false"), false;
  out = value_->get_bool();
  return true;
}

std::optional<int64_t> Field::whole(int64_t low, int64_t high) const {
  if (!given()) return std::nullopt;
  if (!value_->is_number()) {
    wrong_type(fmt::format("a whole number from {} to {}", low, high));
    return std::nullopt;
  }
  const std::optional<int64_t> number = whole_number(*value_);
  if (number && *number >= low && *number <= high) return number;
  invalid("is {}; it must be a whole number from {} to {}", number_text(*value_), low, high);
  return std::nullopt;
}

bool Field::read(int& out, int64_t low, int64_t high) const {
  const std::optional<int64_t> number =
      whole(std::max<int64_t>(low, INT32_MIN), std::min<int64_t>(high, INT32_MAX));
  if (number) out = static_cast<int>(*number);
  return number.has_value();
}

bool Field::read(int64_t& out, int64_t low, int64_t high) const {
  const std::optional<int64_t> number = whole(low, high);
  if (number) out = *number;
  return number.has_value();
}

std::optional<double> Field::real(double low, double high) const {
  if (!given()) return std::nullopt;
  if (!value_->is_number()) {
    wrong_type(fmt::format("a number from {} to {}", low, high));
    return std::nullopt;
  }
  const double number = value_->to_number<double>();
  if (number >= low && number <= high) return number;
  invalid("is {}; it must be a number from {} to {}", number_text(*value_), low, high);
  return std::nullopt;
}

bool Field::read(double& out, double low, double high) const {
  const std::optional<double> number = real(low, high);
  if (number) out = *number;
  return number.has_value();
}

bool Field::read(float& out, double low, double high) const {
  const std::optional<double> number = real(low, high);
  if (number) out = static_cast<float>(*number);
  return number.has_value();
}

bool Field::read(std::string& out, const Limit& bytes_max) const {
  if (!given()) return false;
  if (!value_->is_string()) return wrong_type("a string"), false;
  const json::string& text = value_->get_string();
  if (text.size() > static_cast<uint64_t>(bytes_max.value)) {
    invalid("has {} bytes; at most {} are taken", text.size(), bytes_max.value);
    return false;
  }
  out.assign(text.data(), text.size());
  return true;
}

bool Field::read_word(size_t& out, std::initializer_list<std::string_view> words) const {
  if (!given()) return false;
  const std::string wanted = fmt::format("one of: {}", fmt::join(words, ", "));
  if (!value_->is_string()) return wrong_type(wanted), false;
  const std::string_view text = value_->get_string();
  const auto* found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) {
    invalid("is {}; it must be {}", base::quoted(text, kNameShown), wanted);
    return false;
  }
  out = static_cast<size_t>(found - words.begin());
  return true;
}

bool Field::read_tokens(std::vector<text::Token>& out, const Limit& most) const {
  if (!given()) return false;
  if (!value_->is_array()) return wrong_type("an array of token numbers"), false;
  const json::array& array = value_->get_array();
  if (array.size() > static_cast<uint64_t>(most.value)) {
    invalid("has {} tokens; at most {} are taken", array.size(), most.value);
    return false;
  }
  std::vector<text::Token> tokens;
  tokens.reserve(array.size());
  for (size_t i = 0; i < array.size(); ++i) {
    const std::optional<int64_t> number = whole_number(array[i]);
    if (!number || *number < 0 || *number > kTokenIdMax.value) {
      const Field item(&array[i], fmt::format("{}[{}]", path_, i), *reading_);
      if (!array[i].is_number()) return item.wrong_type("a token number"), false;
      item.invalid("is {}; it must be a whole number from 0 to {}", number_text(array[i]),
                   kTokenIdMax.value);
      return false;
    }
    tokens.push_back(static_cast<text::Token>(*number));
  }
  out = std::move(tokens);
  return true;
}

std::vector<Field> Field::items(const Limit& most) const {
  std::vector<Field> fields;
  if (!given()) return fields;
  if (!value_->is_array()) return wrong_type("an array"), fields;
  const json::array& array = value_->get_array();
  if (array.size() > static_cast<uint64_t>(most.value)) {
    invalid("has {} elements; at most {} are taken", array.size(), most.value);
    return fields;
  }
  for (size_t i = 0; i < array.size(); ++i)
    fields.emplace_back(array[i].is_null() ? nullptr : &array[i], fmt::format("{}[{}]", path_, i),
                        *reading_);
  return fields;
}

Fields Field::fields() const {
  if (given() && !value_->is_object()) wrong_type("an object");
  return {is_object() ? &value_->get_object() : nullptr, path_, *reading_};
}

const Field& Field::required() const {
  if (!given()) invalid("is required");
  return *this;
}

Fields::Fields(const json::object* object, std::string path, Reading& reading)
    : object_(object), path_(std::move(path)), reading_(&reading) {}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? shown(name) : fmt::format("{}.{}", path_, shown(name));
}

Field Fields::at(std::string_view name) {
  const json::value* value = object_ ? object_->if_contains(name) : nullptr;
  if (value) seen_.push_back(name);
  if (value && value->is_null()) value = nullptr;
  return {value, path_of(name), *reading_};
}

void Fields::pass_over(std::initializer_list<std::string_view> names) {
  for (std::string_view name : names)
    if (at(name).given()) reading_->ignore(path_of(name));
}

void Fields::refuse(std::initializer_list<std::string_view> names, std::string_view why) {
  for (std::string_view name : names) {
    const Field field = at(name);
    if (field.given() && !is_empty(field.value())) field.unsupported("{}", why);
  }
}

void Fields::ignore_rest() {
  if (!object_) return;
  for (const auto& [key, value] : *object_) {
    const std::string_view name = key;
    if (reading_->ignored.size() >= kIgnoredMax) return;
    if (!value.is_null() && std::find(seen_.begin(), seen_.end(), name) == seen_.end())
      reading_->ignored.push_back(path_of(name));
  }
}

bool is_empty(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return true;
    case json::kind::bool_: return !value.get_bool();
    case json::kind::string: return value.get_string().empty();
    case json::kind::array: return value.get_array().empty();
    case json::kind::object: return value.get_object().empty();
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return value.to_number<double>() == 0;
  }
  return false;
}

Read<json::object> parse_body(std::string_view text) {
  if (text.size() > static_cast<uint64_t>(kBodyBytesMax.value))
    return Fault{Fault::Kind::kTooLarge, fmt::format("the body has {} bytes; at most {} are taken",
                                                     text.size(), kBodyBytesMax.value)};
  Result<json::value> value = base::parse_json(text, static_cast<size_t>(kNestingMax.value));
  if (!value.ok()) return Fault{Fault::Kind::kInvalid, value.error().message};
  if (!value->is_object())
    return Fault{Fault::Kind::kInvalid,
                 fmt::format("the body is {}; it must be an object", kind_name(*value))};
  return std::move(value->get_object());
}

}  // namespace handmill::api
