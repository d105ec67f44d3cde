#include "engine/stop.h"

#include <gtest/gtest.h>
#include <random>

namespace handmill::engine {
namespace {

struct Outcome {
  std::string text, found;
  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << '"' << o.text << "\" stopped by \"" << o.found << '"';
}

Outcome feed(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopMatcher matcher(stops);
  Outcome outcome;
  for (const std::string& piece : pieces)
    if (matcher.push(piece, outcome.text)) {
      outcome.found = matcher.found();
      return outcome;
    }
  matcher.finish(outcome.text);
  return outcome;
}

TEST(StopMatcher, LetsEverythingThroughWithoutStops) {
  EXPECT_EQ(feed({}, {"a", "bc"}), (Outcome{"abc", ""}));
}

TEST(StopMatcher, FindsAStopInsideOnePieceAndAcrossPieces) {
  EXPECT_EQ(feed({"END"}, {"one END two"}), (Outcome{"one ", "END"}));
  EXPECT_EQ(feed({"END"}, {"one E", "N", "D two"}), (Outcome{"one ", "END"}));
  EXPECT_EQ(feed({"END"}, {"one E", "N", "C"}), (Outcome{"one ENC", ""}));
  EXPECT_EQ(feed({"END"}, {"EEEN", "D"}), (Outcome{"EE", "END"}));
}

TEST(StopMatcher, HoldsBackOnlyWhatMayBecomeAStop) {
  StopMatcher matcher({"\n\nUser:"});
  std::string out;
  matcher.push("Hello\n", out);
  EXPECT_EQ(out, "Hello");
  matcher.push("\n", out);
  EXPECT_EQ(out, "Hello");
  matcher.push("\n", out);
  EXPECT_EQ(out, "Hello\n") << "two line ends may still begin it";
  matcher.push("Use", out);
  matcher.push("d", out);
  EXPECT_EQ(out, "Hello\n\n\nUsed");
}

TEST(StopMatcher, GivesBackWhatItHeldAtTheEnd) {
  EXPECT_EQ(feed({"END"}, {"one EN"}), (Outcome{"one EN", ""}));
}

TEST(StopMatcher, TheFirstToBeCompleteWins) {
  EXPECT_EQ(feed({"abcd", "bc"}, {"xabcd"}), (Outcome{"xa", "bc"}));
  EXPECT_EQ(feed({"c", "bc", "abc"}, {"xabc"}), (Outcome{"x", "abc"}));
  EXPECT_EQ(feed({"two", "one"}, {"one two"}), (Outcome{"", "one"}));
}

TEST(StopMatcher, KeepsCharactersWhole) {
  EXPECT_EQ(feed({"é"}, {"caf", "è é"}), (Outcome{"cafè ", "é"}));
  EXPECT_FALSE(StopMatcher::validate({"\xa9x"}).ok()) << "begins inside a character";
}

TEST(StopMatcher, Validates) {
  EXPECT_TRUE(StopMatcher::validate({}).ok());
  EXPECT_TRUE(StopMatcher::validate({"a", "停"}).ok());
  EXPECT_EQ(StopMatcher::validate({"a", ""}).error().code, Code::kInvalid);
  EXPECT_EQ(StopMatcher::validate({std::string(1025, 'x')}).error().code, Code::kLimit);
  EXPECT_TRUE(StopMatcher::validate({std::string(1024, 'x')}).ok());
  EXPECT_EQ(StopMatcher::validate(std::vector<std::string>(65, "x")).error().code, Code::kLimit);
}

// How a text is cut into pieces changes nothing, and the answer holds no stop string.
TEST(StopMatcher, RandomTextsCutAnyhow) {
  std::mt19937 random(1);
  auto letters = [&random](size_t n) {
    std::string text;
    for (size_t i = 0; i < n; ++i) text += "ab"[random() % 2];
    return text;
  };
  int found = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> stops;
    for (size_t i = 0; i <= random() % 3; ++i) stops.push_back(letters(2 + random() % 5));
    const std::string text = letters(random() % 24);
    const Outcome whole = feed(stops, {text});
    std::vector<std::string> pieces;
    for (size_t i = 0; i < text.size();) {
      const size_t n = 1 + random() % 4;
      pieces.push_back(text.substr(i, n));
      i += n;
    }
    ASSERT_EQ(feed(stops, pieces), whole) << text;
    for (const std::string& stop : stops)
      ASSERT_EQ(whole.text.find(stop), std::string::npos) << text << " and " << stop;
    ASSERT_TRUE(text.starts_with(whole.text + whole.found));
    ASSERT_TRUE(!whole.found.empty() || whole.text == text) << whole;
    found += whole.found.empty() ? 0 : 1;
  }
  EXPECT_GT(found, 500);
}

}  // namespace
}  // namespace handmill::engine
