// Metadata values, each checked against its range.
#include "model/keys.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"

namespace handmill::model {

std::string Keys::name(std::string_view key) const {
  return fmt::format("{}: {}{}", file_.path(), prefix_, key);
}

Result<uint64_t> Keys::integer(std::string_view key) const {
  const std::string full = prefix_ + std::string(key);
  const gguf::Entry* entry = file_.find(full);
  if (entry == nullptr || entry->type != gguf::ValueType::kArray) return file_.get_uint(full);
  HANDMILL_TRY(const std::vector<int64_t> values, file_.get_ints(full));
  if (values.empty()) return base::invalid("{} is an empty list", name(key));
  if (std::ranges::adjacent_find(values, std::not_equal_to{}) != values.end())
    return base::unsupported("{} differs between layers, which handmill does not support",
                             name(key));
  if (values[0] < 0) return base::invalid("{} is {}; it must be at least 1", name(key), values[0]);
  return static_cast<uint64_t>(values[0]);
}

Result<int> Keys::count(std::string_view key, int max) const {
  HANDMILL_TRY(const uint64_t value, integer(key));
  if (value < 1 || value > static_cast<uint64_t>(max))
    return base::invalid("{} is {}; it must be 1 to {}", name(key), value, max);
  return static_cast<int>(value);
}

Result<int> Keys::count_or(std::string_view key, int otherwise, int max) const {
  if (!has(key)) return otherwise;
  return count(key, max);
}

Result<double> Keys::number(std::string_view key, double min, double max) const {
  HANDMILL_TRY(const double value, file_.get_float(prefix_ + std::string(key)));
  if (!(value >= min && value <= max))
    return base::invalid("{} is {:g}; it must be {:g} to {:g}", name(key), value, min, max);
  return value;
}

Result<double> Keys::number_or(std::string_view key, double otherwise, double min,
                               double max) const {
  if (!has(key)) return otherwise;
  return number(key, min, max);
}

Result<std::string_view> Keys::text_or(std::string_view key, std::string_view otherwise) const {
  if (!has(key)) return otherwise;
  return file_.get_string(prefix_ + std::string(key));
}

Status Keys::require(std::string_view key, double neutral) const {
  if (!has(key)) return {};
  HANDMILL_TRY(const double value, file_.get_float(prefix_ + std::string(key)));
  if (value != neutral)
    return base::unsupported("{} is {:g}; handmill supports {:g} only", name(key), value, neutral);
  return {};
}

}  // namespace handmill::model
