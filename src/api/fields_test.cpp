// Strict reading: types, ranges, paths; and that the first fault stays.
#include "api/fields.h"

#include "api/read_check.h"

namespace handmill::api {
namespace {

struct Case {
  Case(std::string_view text) : object(object_of(text)), body(object, reading) {}
  std::string param() const { return reading.fault ? reading.fault->param : "none"; }
  std::string message() const { return reading.fault ? reading.fault->message : "none"; }

  boost::json::object object;
  Reading reading;
  Fields body;
};

TEST(Fields, ReadsWhatIsThere) {
  Case c(R"({"b":true,"i":-3,"w":16.0,"f":0.5,"s":"text","n":null,"t":[0,5,2147483647]})");
  bool b = false;
  int i = 0, w = 0, absent = 7;
  float f = 0;
  std::string s;
  std::vector<text::Token> tokens;
  EXPECT_TRUE(c.body.at("b").read(b));
  EXPECT_TRUE(c.body.at("i").read(i, -5, 5));
  EXPECT_TRUE(c.body.at("w").read(w, 0, 20));
  EXPECT_TRUE(c.body.at("f").read(f, 0, 1));
  EXPECT_TRUE(c.body.at("s").read(s, kNameBytesMax));
  EXPECT_TRUE(c.body.at("t").read_tokens(tokens));
  EXPECT_FALSE(c.body.at("n").read(absent, 0, 5));
  EXPECT_FALSE(c.body.at("absent").read(absent, 0, 5));
  EXPECT_FALSE(c.reading.fault) << c.message();
  EXPECT_TRUE(b);
  EXPECT_EQ(i, -3);
  EXPECT_EQ(w, 16);
  EXPECT_EQ(f, 0.5f);
  EXPECT_EQ(s, "text");
  EXPECT_EQ(tokens, (std::vector<text::Token>{0, 5, 2147483647}));
  EXPECT_EQ(absent, 7);
}

TEST(Fields, NamesThePathOfAFault) {
  Case c(R"({"messages":[{},{"content":[{"text":5}]}]})");
  const std::vector<Field> messages = c.body.at("messages").items(kMessagesMax);
  ASSERT_EQ(messages.size(), 2u);
  const std::vector<Field> parts = messages[1].fields().at("content").items(kPartsMax);
  ASSERT_EQ(parts.size(), 1u);
  std::string text;
  EXPECT_FALSE(parts[0].fields().at("text").read(text, kTextBytesMax));
  EXPECT_EQ(c.param(), "messages[1].content[0].text");
  EXPECT_EQ(c.message(), "messages[1].content[0].text is a number; it must be a string");
}

TEST(Fields, KeepsTheFirstFault) {
  Case c(R"({"a":1,"b":2})");
  std::string s;
  c.body.at("a").read(s, kNameBytesMax);
  c.body.at("b").read(s, kNameBytesMax);
  EXPECT_EQ(c.param(), "a");
}

TEST(Fields, SaysRangesAndValues) {
  float f = 0;
  int i = 0;
  Case high(R"({"t":1e308})");
  EXPECT_FALSE(high.body.at("t").read(f, 0, 100));
  EXPECT_EQ(high.message(), "t is 1e+308; it must be a number from 0 to 100");
  Case half(R"({"n":1.5})");
  EXPECT_FALSE(half.body.at("n").read(i, 1, 16));
  EXPECT_EQ(half.message(), "n is 1.5; it must be a whole number from 1 to 16");
  Case huge(R"({"n":18446744073709551615})");
  EXPECT_FALSE(huge.body.at("n").read(i, 1, INT64_MAX));
  EXPECT_EQ(huge.message(),
            "n is 18446744073709551615; it must be a whole number from 1 to 2147483647");
  EXPECT_EQ(f, 0);
  EXPECT_EQ(i, 0);
}

TEST(Fields, RefusesTokensByTheirPlace) {
  std::vector<text::Token> tokens;
  for (const char* bad : {"[1,-1]", "[1,2147483648]", "[1,0.5]", "[1,\"2\"]", "[1,null]",
                          "[1,9223372036854775808]", "[1,[2]]"}) {
    Case c(std::string("{\"t\":") + bad + "}");
    EXPECT_FALSE(c.body.at("t").read_tokens(tokens)) << bad;
    EXPECT_EQ(c.param(), "t[1]") << bad;
  }
  EXPECT_TRUE(tokens.empty());
}

TEST(Fields, RefusesWordsAndTellsTheRightOnes) {
  size_t word = 9;
  Case c(R"({"w":"maybe"})");
  EXPECT_FALSE(c.body.at("w").read_word(word, {"yes", "no"}));
  EXPECT_EQ(c.message(), "w is \"maybe\"; it must be one of: yes, no");
  EXPECT_EQ(word, 9u);
}

TEST(Fields, TellsWhatWasIgnored) {
  Case c(R"({"user":"me","a":1,"odd name\n":2,"nothing":null,"seen":3,"metadata":null})");
  c.body.at("seen");
  c.body.pass_over({"user", "metadata"});
  c.body.ignore_rest();
  EXPECT_EQ(c.reading.ignored, (std::vector<std::string>{"user", "a", "\"odd name\\x0a\""}));
}

TEST(Fields, IgnoredNamesAreFew) {
  boost::json::object object;
  for (int i = 0; i < 1000; ++i) object[fmt::format("field{}", i)] = 1;
  Reading reading;
  Fields body(object, reading);
  body.ignore_rest();
  EXPECT_EQ(reading.ignored.size(), 16u);
}

TEST(Fields, RefusesUnlessEmpty) {
  for (const char* neutral : {"null", "false", "\"\"", "[]", "{}", "0"}) {
    Case c(std::string("{\"tools\":") + neutral + "}");
    c.body.refuse({"tools"}, "is not supported");
    EXPECT_FALSE(c.reading.fault) << neutral;
  }
  for (const char* meant : {"true", "\"x\"", "[1]", "{\"a\":1}", "1", "-1", "0.5"}) {
    Case c(std::string("{\"tools\":") + meant + "}");
    c.body.refuse({"tools"}, "is not supported");
    EXPECT_EQ(c.message(), "tools is not supported") << meant;
    ASSERT_TRUE(c.reading.fault);
    EXPECT_EQ(c.reading.fault->kind, Fault::Kind::kUnsupported);
  }
}

TEST(ParseBody, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    const std::optional<Fault> fault = fault_of(parse_body(text));
    return fault ? fault->message : "none";
  };
  EXPECT_EQ(message("{}"), "none");
  EXPECT_EQ(message("[]"), "the body is an array; it must be an object");
  EXPECT_NE(message("{\"a\":NaN}").find("at byte 5"), std::string::npos);
  EXPECT_NE(message("{\"a\":1e999}"), "none");
  EXPECT_NE(message(""), "none");
  EXPECT_NE(message("{\"a\":\"\xff\"}"), "none");
  EXPECT_NE(message("{} {}"), "none");
}

}  // namespace
}  // namespace handmill::api
