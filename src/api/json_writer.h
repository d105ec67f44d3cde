// JSON text, appended to a string as it is made: compact, on one line, always valid. Strings of any
// bytes become UTF-8 (what is none is U+FFFD), and numbers that JSON lacks become null.
#pragma once

#include <boost/json/value.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace handmill::api {

/// json.begin_object().field("id", id).key("choices").begin_array()… Every begin has its end.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth);
  JsonWriter& value(std::nullptr_t);
  JsonWriter& value(float number);  // the shortest digits that read back as the same float
  JsonWriter& value(double number);
  template <std::integral T>
  JsonWriter& value(T number) {
    return whole(static_cast<int64_t>(number));
  }
  JsonWriter& value(const boost::json::value& value);

  template <class T>
  JsonWriter& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& whole(int64_t number);
  void separate();

  std::string& out_;
  bool first_ = true;  // nothing stands before this in its object or array
};

/// The bytes with everything that is not UTF-8 turned into U+FFFD.
std::string valid_utf8(std::string_view bytes);

}  // namespace handmill::api
