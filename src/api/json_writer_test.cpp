// Whatever goes in, JSON comes out.
#include "api/json_writer.h"

#include <boost/json.hpp>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace handmill::api {
namespace {

template <class T>
std::string json_of(const T& value) {
  std::string out;
  JsonWriter(out).value(value);
  return out;
}

TEST(JsonWriter, PutsCommasAndColons) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("a", 1).key("b").begin_array().value(1).value("x").begin_object();
  json.end_object().begin_array().end_array().end_array().field("c", nullptr).end_object();
  EXPECT_EQ(out, R"({"a":1,"b":[1,"x",{},[]],"c":null})");
}

TEST(JsonWriter, EscapesStrings) {
  EXPECT_EQ(json_of("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(json_of(std::string("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(json_of("Grüße 世界 😀"), "\"Grüße 世界 😀\"");
}

TEST(JsonWriter, EveryByteStringIsValid) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second), 'x'};
      boost::system::error_code code;
      const boost::json::value back = boost::json::parse(json_of(bytes), code);
      ASSERT_FALSE(code) << first << " " << second;
      EXPECT_EQ(std::string_view(back.get_string()), valid_utf8(bytes));
    }
  }
  EXPECT_EQ(json_of("\xe4\xb8"), "\"\uFFFD\"");
  EXPECT_EQ(json_of("\xff\xfe"), "\"\uFFFD\uFFFD\"");
}

TEST(JsonWriter, NumbersAreShortAndExact) {
  EXPECT_EQ(json_of(0.1f), "0.1");
  EXPECT_EQ(json_of(0.1), "0.1");
  EXPECT_EQ(json_of(-1.5e-20), "-1.5e-20");
  EXPECT_EQ(json_of(3.0), "3");
  EXPECT_EQ(json_of(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(json_of(true), "true");
}

TEST(JsonWriter, NumbersThatJsonLacksAreNull) {
  EXPECT_EQ(json_of(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(json_of(-std::numeric_limits<float>::infinity()), "null");
  EXPECT_EQ(json_of(HUGE_VAL), "null");
}

TEST(JsonWriter, WritesParsedValues) {
  const char* text = R"({"a":[1,-2,0.5,true,null,"x"],"b":{"c":{}}})";
  EXPECT_EQ(json_of(boost::json::parse(text)), text);
}

}  // namespace
}  // namespace handmill::api
