// JSON from outside: what parses, and that each fault is an error with its offset.
#include "base/json.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>
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
