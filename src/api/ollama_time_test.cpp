#include "api/ollama_time.h"

#include <gtest/gtest.h>
#include <limits>

namespace handmill::api::ollama {
namespace {

using namespace std::chrono_literals;

TEST(OllamaTime, DurationsAsGoReadsThem) {
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("-1m"), -1min);
  EXPECT_EQ(parse_duration("+2s"), 2s);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration(".5s"), 500ms);
  EXPECT_EQ(parse_duration("1.s"), 1s);
  EXPECT_EQ(parse_duration("7us"), 7us);
  EXPECT_EQ(parse_duration("7\u00b5s"), 7us);
  EXPECT_EQ(parse_duration("7\u03bcs"), 7us);
  EXPECT_EQ(parse_duration("3ns"), 3ns);
  EXPECT_EQ(parse_duration("0"), 0ns);
  EXPECT_EQ(parse_duration("-0"), 0ns);
  EXPECT_EQ(parse_duration("0s"), 0ns);
  EXPECT_EQ(parse_duration("2562047h"), 2562047h);
}

TEST(OllamaTime, WhatIsNoDuration) {
  for (const char* text : {"",
                           "-",
                           "+",
                           "5",
                           "-1",
                           "m",
                           ".",
                           ".s",
                           "5 m",
                           "5m ",
                           " 5m",
                           "5minutes",
                           "1d",
                           "--5m",
                           "5m-3s",
                           "1e3s",
                           "0x5s",
                           "5M",
                           "\xff",
                           "1.2.3s",
                           "2562048h",
                           "9223372036854775808ns",
                           "99999999999999999999s",
                           "2562047h59m",
                           "-"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(OllamaTime, Rfc3339) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(1691139139385406455), "2023-08-04T08:52:19.385406455Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(rfc3339(std::numeric_limits<int64_t>::max()), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(rfc3339(std::numeric_limits<int64_t>::min()), "1677-09-21T00:12:43.145224192Z");
}

}  // namespace
}  // namespace handmill::api::ollama
