#include "measure/fields.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>

#include "base/error.h"
#include "base/quote.h"

namespace handmill::measure {
namespace {

namespace json = boost::json;

/// What stands for "the caller has no other value": the field must be there.
const json::value kNothing;

}  // namespace

Fields::Fields(const json::value& value, std::string path, std::optional<Error>& error)
    : path_(std::move(path)), error_(error) {
  if (value.is_object())
    object_ = &value.get_object();
  else
    fail("", "must be an object");
}

std::string Fields::text(std::string_view key, size_t bytes_max) {
  const json::value* value = take(key);
  if (value == nullptr || !value->is_string() || value->get_string().empty() ||
      value->get_string().size() > bytes_max) {
    fail(key, fmt::format("must be a text of 1 to {} bytes", bytes_max));
    return "";
  }
  return std::string(value->get_string());
}

std::string Fields::text_or(std::string_view key, std::string otherwise, size_t bytes_max) {
  return object_ != nullptr && object_->contains(key) ? text(key, bytes_max) : otherwise;
}

std::string Fields::date(std::string_view key) {
  std::string date = text(key, 10);
  bool good = date.size() == 10;
  for (size_t i = 0; good && i < date.size(); ++i)
    good = i == 4 || i == 7 ? date[i] == '-' : std::isdigit(static_cast<unsigned char>(date[i]));
  if (!good) fail(key, "must be a date such as 2025-04-29");
  return date;
}

int64_t Fields::integer(std::string_view key, int64_t low, int64_t high) {
  const json::value* value = take(key);
  const int64_t* number = value == nullptr ? nullptr : value->if_int64();
  if (number != nullptr && *number >= low && *number <= high) return *number;
  fail(key, fmt::format("must be a whole number from {} to {}", low, high));
  return low;
}

int64_t Fields::integer_or(std::string_view key, int64_t otherwise, int64_t low, int64_t high) {
  return object_ != nullptr && object_->contains(key) ? integer(key, low, high) : otherwise;
}

double Fields::number(std::string_view key, double low, double high) {
  const json::value* value = take(key);
  if (value != nullptr && value->is_number()) {
    const double number = value->to_number<double>();
    if (std::isfinite(number) && number >= low && number <= high) return number;
  }
  fail(key, fmt::format("must be a number from {} to {}", low, high));
  return low;
}

double Fields::number_or(std::string_view key, double otherwise, double low, double high) {
  return object_ != nullptr && object_->contains(key) ? number(key, low, high) : otherwise;
}

bool Fields::flag(std::string_view key) {
  const json::value* value = take(key);
  if (value != nullptr && value->is_bool()) return value->get_bool();
  fail(key, "must be true or false");
  return false;
}

bool Fields::flag_or(std::string_view key, bool otherwise) {
  return object_ != nullptr && object_->contains(key) ? flag(key) : otherwise;
}

std::optional<Fields> Fields::object_or(std::string_view key) {
  const json::value* value = take(key);
  if (value == nullptr) return std::nullopt;
  return Fields(*value, where(key), error_);
}

Fields Fields::object(std::string_view key) {
  const json::value* value = take(key);
  return Fields(value == nullptr ? kNothing : *value, where(key), error_);
}

void Fields::fail(std::string_view key, std::string_view what) {
  if (!error_) error_ = base::invalid("{} {}", where(key), what);
}

void Fields::end() {
  if (object_ == nullptr) return;
  for (const auto& field : *object_)
    if (!taken_.contains(field.key())) return fail(field.key(), "is not known");
}

const json::value* Fields::take(std::string_view key) {
  taken_.insert(std::string(key));
  return object_ == nullptr ? nullptr : object_->if_contains(key);
}

std::string Fields::where(std::string_view key) const {
  if (key.empty()) return path_.empty() ? "the document" : path_;
  return (path_.empty() ? "" : path_ + ".") + base::quoted(key);
}

}  // namespace handmill::measure
