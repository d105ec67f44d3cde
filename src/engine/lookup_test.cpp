#include "engine/lookup.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace handmill::engine {
namespace {

using Tokens = std::vector<text::Token>;

/// Tokens that agree before `at` and before the end.
int agreement(const Tokens& text, size_t at) {
  int length = 0;
  while (length < Lookup::kMost && static_cast<size_t>(length) < at &&
         text[at - 1 - static_cast<size_t>(length)] ==
             text[text.size() - 1 - static_cast<size_t>(length)])
    ++length;
  return length;
}

Lookup lookup_of(const Tokens& text) {
  Lookup lookup;
  lookup.begin(text.size());
  lookup.extend(text);
  return lookup;
}

Tokens proposal(const Tokens& text, int count) {
  Lookup lookup = lookup_of(text);
  Tokens out;
  const Lookup::Match match = lookup.find(text);
  if (match.length > 0) Lookup::copy(text, match, count, out);
  return out;
}

TEST(Lookup, OffersWhatFollowed) {
  EXPECT_EQ(proposal({1, 2, 3, 4, 5, 9, 2, 3}, 3), (Tokens{4, 5, 9}));
  EXPECT_EQ(proposal({1, 2, 3, 7, 2, 3, 8, 2, 3}, 1), (Tokens{8})) << "the latest of equals";
  EXPECT_EQ(proposal({1, 2, 3, 7, 5, 2, 3, 8, 1, 2, 3}, 1), (Tokens{7})) << "the longest of all";
}

TEST(Lookup, ALoopGoesRound) {
  EXPECT_EQ(proposal({1, 2, 3, 1, 2, 3}, 7), (Tokens{1, 2, 3, 1, 2, 3, 1}));
  EXPECT_EQ(proposal({5, 5, 5}, 4), (Tokens{5, 5, 5, 5}));
}

TEST(Lookup, NothingBeforeIsNoProposal) {
  for (const Tokens& text : {Tokens{}, Tokens{1}, Tokens{1, 1}, Tokens{1, 2, 3}, Tokens{1, 2, 1}})
    EXPECT_TRUE(proposal(text, 4).empty()) << text.size();
}

TEST(Lookup, FindsTheLongestOfEveryText) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    Lookup lookup;
    lookup.begin(300);
    Tokens text;
    while (text.size() < 300) {
      for (auto i = random() % 5; i > 0; --i)  // several tokens between two searches
        text.push_back(static_cast<text::Token>(random() % 6));
      lookup.extend(text);
      int longest = 0;
      for (size_t at = 1; at < text.size(); ++at) longest = std::max(longest, agreement(text, at));
      const Lookup::Match match = lookup.find(text);
      ASSERT_EQ(match.length, longest < Lookup::kLeast ? 0 : longest);
      if (match.length > 0) {
        ASSERT_EQ(agreement(text, static_cast<size_t>(match.next)), match.length);
      }
    }
  }
}

TEST(Lookup, GoesOnWhereItWasRight) {
  // A passage of 100 tokens, and its pairs many times after it: too many places to look at.
  Tokens text;
  for (int i = 0; i < 100; ++i) text.push_back(i);
  for (int round = 0; round < 200; ++round)
    for (int pair = 30; pair < 40; ++pair)
      text.insert(text.end(), {pair, pair + 1, 1000 + round * 10 + pair});
  Lookup lookup;
  lookup.begin(text.size() + 100);
  for (int i = 10; i < 60; ++i) {
    text.push_back(i);
    lookup.extend(text);
    const Lookup::Match match = lookup.find(text);
    if (i > 10) {
      EXPECT_EQ(match.next, i + 1);
    }
  }
}

}  // namespace
}  // namespace handmill::engine
