// Strict reading of one JSON object: every field is asked for once, with its bounds, and whatever
// was not asked for is a fault. The first fault of a whole document is kept, with its place
// ("models[3]"."shape"."layers"). Serves the catalogue.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace handmill::measure {

class Fields {
 public:
  /// `path` begins messages; empty for the whole document. `error` keeps the first fault of all
  /// readers that share it. `value` and `error` must outlive it.
  Fields(const boost::json::value& value, std::string path, std::optional<Error>& error);

  /// A text of 1 to `bytes_max` bytes.
  std::string text(std::string_view key, size_t bytes_max = 256);
  std::string text_or(std::string_view key, std::string otherwise, size_t bytes_max = 256);
  /// "2025-04-29".
  std::string date(std::string_view key);
  int64_t integer(std::string_view key, int64_t low, int64_t high);
  int64_t integer_or(std::string_view key, int64_t otherwise, int64_t low, int64_t high);
  double number(std::string_view key, double low, double high);
  double number_or(std::string_view key, double otherwise, double low, double high);
  bool flag(std::string_view key);
  bool flag_or(std::string_view key, bool otherwise);
  /// Nothing where the field is missing.
  std::optional<Fields> object_or(std::string_view key);
  Fields object(std::string_view key);

  /// Calls `each(value, path)` for every item of a list of at most `most`; a missing one is a
  /// fault if `required`.
  template <class Each>
  void list(std::string_view key, size_t most, bool required, Each each) {
    const boost::json::value* value = take(key);
    if (value == nullptr && !required) return;
    if (value == nullptr || !value->is_array() || value->get_array().size() > most)
      return fail(key, "must be a list of at most " + std::to_string(most));
    size_t index = 0;
    for (const boost::json::value& item : value->get_array())
      each(item, where(key) + "[" + std::to_string(index++) + "]");
  }

  void fail(std::string_view key, std::string_view what);
  /// Whatever was not asked for is a fault.
  void end();

 private:
  const boost::json::value* take(std::string_view key);
  std::string where(std::string_view key) const;

  const boost::json::object* object_ = nullptr;
  std::set<std::string, std::less<>> taken_;
  std::string path_;
  std::optional<Error>& error_;
};

}  // namespace handmill::measure
