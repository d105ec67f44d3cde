// Tokens matched whole: the longest at the leftmost place, control tokens only where they are
// allowed.
#include "text/special.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace handmill::text {
namespace {

SpecialIndex make(std::vector<SpecialToken> tokens) {
  auto index = SpecialIndex::build(std::move(tokens));
  EXPECT_TRUE(index.ok()) << index.error().message;
  return *std::move(index);
}

TEST(SpecialIndex, TheLongestThatIsAllowedWins) {
  SpecialIndex index = make({{"<a>", 1}, {"<a>b", 2, false}, {"<a>bc", 3}, {"<", 4, false}});
  auto token = [&](std::string_view text, size_t control_end) {
    auto found = index.match(text, 0, control_end);
    return found ? found->token : kNoToken;
  };
  EXPECT_EQ(token("<a>bcd", 6), 3);
  EXPECT_EQ(token("<a>bcd", 4), 2);
  EXPECT_EQ(token("<a>bcd", 0), 2);
  EXPECT_EQ(token("<a>x", 4), 1);
  EXPECT_EQ(token("<a>x", 2), 4);
  EXPECT_EQ(token("<a", 2), 4);
  EXPECT_EQ(token("a", 1), kNoToken);
  EXPECT_EQ(index.find_control("<a>"), 1);
  EXPECT_EQ(index.find_control("<a>b"), kNoToken);
  EXPECT_EQ(index.find_control(""), kNoToken);
}

TEST(SpecialIndex, EqualsALinearSearch) {
  std::mt19937 random(5);
  auto word = [&](size_t most) {
    std::string text;
    for (size_t n = 1 + random() % most; n > 0; --n) text += "ab\xFF"[random() % 3];
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<SpecialToken> tokens;
    for (Token id = 0; id < 12; ++id) {
      std::string text = word(5);
      if (std::ranges::count(tokens, text, &SpecialToken::text) != 0) continue;
      tokens.push_back({text, id, random() % 2 == 0});
    }
    SpecialIndex index = make(tokens);
    for (int i = 0; i < 50; ++i) {
      const std::string text = word(12);
      const size_t begin = random() % text.size(), control_end = random() % (text.size() + 1);
      const SpecialToken* best = nullptr;
      for (const SpecialToken& each : tokens) {
        if (text.compare(begin, each.text.size(), each.text) != 0) continue;
        if (each.control && begin + each.text.size() > control_end) continue;
        if (best == nullptr || each.text.size() > best->text.size()) best = &each;
      }
      auto found = index.match(text, begin, control_end);
      ASSERT_EQ(found.has_value(), best != nullptr);
      if (best == nullptr) continue;
      EXPECT_EQ(found->token, best->token);
      EXPECT_EQ(found->end, begin + best->text.size());
    }
  }
}

TEST(SpecialIndex, EatsTheWhitespaceAfterATokenThatSaysSo) {
  SpecialIndex index = make({{"<u>", 1, true, true}});
  EXPECT_EQ(index.match("<u> \n\u3000x", 0, 3)->end, 8u);
  EXPECT_EQ(index.match("<u>x", 0, 3)->end, 3u);
}

TEST(SpecialIndex, FaultsAreErrors) {
  auto twice = SpecialIndex::build({{"<a>", 7}, {"<b>", 8}, {"<a>", 5}});
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().message, "tokens 5 and 7 have the same text \"<a>\"");
  EXPECT_FALSE(SpecialIndex::build({{std::string(kMaxSpecialBytes + 1, 'a'), 1}}).ok());
  EXPECT_TRUE(SpecialIndex::build({{"", 1}, {"", 2}}).ok());
}

}  // namespace
}  // namespace handmill::text
