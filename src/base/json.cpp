// The only place where Boost.JSON's own code is compiled; everything else sees its headers.
#include "base/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace handmill::base {
namespace {

namespace json = boost::json;
using json::error_code;
using Text = json::string_view;

/// Makes the value of what the parser meets. Boost.JSON's own handler takes a fraction to one of
/// the two doubles around it, not always the nearer, and 1e400 to infinity.
struct Handler {
  static constexpr size_t max_object_size = json::object::max_size();
  static constexpr size_t max_array_size = json::array::max_size();
  static constexpr size_t max_key_size = json::string::max_size();
  static constexpr size_t max_string_size = json::string::max_size();

  json::value_stack values;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(size_t n, error_code&) { return values.push_object(n), true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(size_t n, error_code&) { return values.push_array(n), true; }
  bool on_key_part(Text text, size_t, error_code&) { return values.push_chars(text), true; }
  bool on_key(Text text, size_t, error_code&) { return values.push_key(text), true; }
  bool on_string_part(Text text, size_t, error_code&) { return values.push_chars(text), true; }
  bool on_string(Text text, size_t, error_code&) { return values.push_string(text), true; }
  bool on_number_part(Text, error_code&) { return true; }
  bool on_int64(int64_t n, Text, error_code&) { return values.push_int64(n), true; }
  bool on_uint64(uint64_t n, Text, error_code&) { return values.push_uint64(n), true; }
  /// `text` is the whole number, for the parser has all of the document at once.
  bool on_double(double near, Text text, error_code& code) {
    double value = std::copysign(0.0, near);  // stays where the number is too small for a double
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault == std::errc::result_out_of_range && std::fabs(near) > 1) {
      code = json::error::exponent_overflow;
      return false;
    }
    return values.push_double(value), true;
  }
  bool on_bool(bool value, error_code&) { return values.push_bool(value), true; }
  bool on_null(error_code&) { return values.push_null(), true; }
  bool on_comment_part(Text, error_code&) { return true; }
  bool on_comment(Text, error_code&) { return true; }
};

}  // namespace

Result<json::value> parse_json(std::string_view text, size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Handler> parser(options);
  Handler& handler = parser.handler();
  handler.values.reset();
  error_code code;
  const size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (!code && used < text.size()) code = json::error::extra_data;
  if (code == json::error::too_deep)
    return limit("JSON depth: more than {} levels, at byte {}", max_depth, used);
  if (code) return invalid("JSON: {} at byte {}", code.message(), used);
  return handler.values.release();
}

}  // namespace handmill::base
