// JSON from outside: what parses, and that each fault is an error with its offset.
#include "base/json.h"

#include <boost/json.hpp>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace handmill::base {
namespace {

TEST(Json, ParsesAndKeepsTheOrderOfKeys) {
  auto value = parse_json(R"({"b": [1, -2, 18446744073709551615, 0.5], "a": "\u00e9"})");
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(boost::json::serialize(*value), R"({"b":[1,-2,18446744073709551615,5E-1],"a":"é"})");
}

TEST(Json, FaultsSayWhere) {
  auto trailing = parse_json("[1, 2] x");
  ASSERT_FALSE(trailing.ok());
  EXPECT_NE(trailing.error().message.find("at byte 7"), std::string::npos)
      << trailing.error().message;
  auto cut = parse_json(R"({"a": )");
  ASSERT_FALSE(cut.ok());
  EXPECT_NE(cut.error().message.find("at byte 6"), std::string::npos) << cut.error().message;
  for (const char* bad : {"", "nul", "[1,]", "{\"a\" 1}", "\"\xff\"", "\"\\ud800\"", "01", "+1"}) {
    EXPECT_FALSE(parse_json(bad).ok()) << bad;
  }
}

TEST(Json, NumbersAreTheNearestDoubles) {
  // Each lies beside a double that is almost as near.
  for (const char* text : {"724.98869804617959", "-0.00089908963432011623", "119253.77307030787",
                           "1.0131879654773605e-05", "9007199254740993.0", "5e-324", "0.1"}) {
    auto value = parse_json(text);
    ASSERT_TRUE(value.ok()) << value.error().message;
    EXPECT_EQ(value->as_double(), std::strtod(text, nullptr)) << text;
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const double wanted =
        std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 200) - 160);
    const std::string text = fmt::format("[{:.{}e}]", wanted, random() % 20);
    auto value = parse_json(text);
    ASSERT_TRUE(value.ok()) << value.error().message;
    ASSERT_EQ(value->as_array()[0].as_double(), std::strtod(text.c_str() + 1, nullptr)) << text;
  }
}

TEST(Json, NumbersBeyondDoublesAreErrorsOrZero) {
  for (const char* text : {"1e400", "[-1e400]", "{\"a\": 2e308}", "1e99999999999"}) {
    auto value = parse_json(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_NE(value.error().message.find("overflow at byte"), std::string::npos)
        << value.error().message;
  }
  auto tiny = parse_json("[1e-400, -1e-400]");
  ASSERT_TRUE(tiny.ok()) << tiny.error().message;
  EXPECT_EQ(tiny->as_array()[0].as_double(), 0.0);
  EXPECT_TRUE(std::signbit(tiny->as_array()[1].as_double()));
}

TEST(Json, LongStringsAndKeysComeWhole) {
  const std::string text(10'000, 'x');
  auto value = parse_json("{\"" + text + "\\n\": \"\\u00e9" + text + "\\t\"}");
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(value->as_object().at(text + "\n").as_string(), "é" + text + "\t");
  EXPECT_EQ(boost::json::serialize(*parse_json(" [true,false,null,{},[],-0,1E2] ")),
            "[true,false,null,{},[],0,1E2]");
}

TEST(Json, DepthIsLimited) {
  auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(parse_json(nested(64)).ok());
  auto deep = parse_json(nested(65));
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().code, Code::kLimit);
  EXPECT_FALSE(parse_json(nested(1'000'000)).ok());
  EXPECT_TRUE(parse_json(nested(3), 3).ok());
  EXPECT_FALSE(parse_json(nested(4), 3).ok());
}

}  // namespace
}  // namespace handmill::base
