// Merges against a naive implementation on random vocabularies, and their number of heap
// operations.
#include "text/bpe.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

#include "text/test_file.h"

namespace handmill::text {
namespace {

using Merges = std::vector<std::string>;

/// Pre-tokenizer without stages: a text is one word.
constexpr PreTokenizer kOneWord{"one word", {}, false, false};
constexpr PreTokenizer kOneWordIgnoringMerges{"one word", {}, true, false};

Vocabulary vocabulary_of(const TestFile& file) {
  Vocabulary vocabulary;
  for (const auto& each : file.tokens) {
    vocabulary.add(each.text, static_cast<TokenType>(each.type));
  }
  return vocabulary;
}

Bpe make(const TestFile& file, const PreTokenizer& pre = kOneWord) {
  std::vector<std::string_view> merges(file.merges.begin(), file.merges.end());
  auto bpe = Bpe::build(vocabulary_of(file), merges, pre);
  EXPECT_TRUE(bpe.ok()) << bpe.error().message;
  return *std::move(bpe);
}

std::vector<std::string> pieces(const Bpe& bpe, std::string_view text) {
  std::vector<Token> tokens;
  bpe.encode(text, tokens);
  std::vector<std::string> pieces;
  for (Token token : tokens) pieces.emplace_back(bpe.bytes(token));
  return pieces;
}

/// The definition: again and again, the leftmost of the pairs with the lowest rank.
std::vector<std::string> naive_pieces(const Merges& merges, std::string_view text) {
  std::map<std::string, size_t> rank;
  for (size_t i = 0; i < merges.size(); ++i) rank.try_emplace(merges[i], i);
  std::vector<std::string> pieces;
  for (char c : text) pieces.emplace_back(1, c);
  for (;;) {
    size_t best = merges.size(), at = 0;
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      auto found = rank.find(pieces[i] + " " + pieces[i + 1]);
      if (found != rank.end() && found->second < best) best = found->second, at = i;
    }
    if (best == merges.size()) return pieces;
    pieces[at] += pieces[at + 1];
    pieces.erase(pieces.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
}

TEST(Bpe, MergesLowestRankFirstThenLeftmost) {
  Bpe bpe = make(bpe_file({"a a", "b c", "a b", "aa aa"}));
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(pieces(bpe, "aaa"), (Pieces{"aa", "a"}));
  EXPECT_EQ(pieces(bpe, "abc"), (Pieces{"a", "bc"}));
  EXPECT_EQ(pieces(bpe, "aaaaa"), (Pieces{"aaaa", "a"}));
  EXPECT_EQ(pieces(bpe, ""), Pieces{});
  EXPECT_EQ(pieces(bpe, "你"), (Pieces{"\xE4", "\xBD", "\xA0"}));
}

TEST(Bpe, EqualsTheDefinitionOnRandomVocabularies) {
  std::mt19937 random(3);
  auto below = [&](size_t n) { return random() % n; };
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> parts = {"a", "b", "c"};
    Merges merges;
    for (size_t n = below(40); n > 0; --n) {
      std::string left = parts[below(parts.size())], right = parts[below(parts.size())];
      merges.push_back(left + " " + right);
      if (std::ranges::count(parts, left + right) == 0) parts.push_back(left + right);
    }
    Bpe bpe = make(bpe_file(merges));
    for (int i = 0; i < 50; ++i) {
      std::string text;
      for (size_t n = below(60); n > 0; --n) text += static_cast<char>('a' + below(3));
      ASSERT_EQ(pieces(bpe, text), naive_pieces(merges, text)) << text;
    }
  }
}

TEST(Bpe, WholeWordsWinWhereMergesAreIgnored) {
  TestFile file = bpe_file({"a b"});
  file.tokens.push_back({"abc"});
  EXPECT_EQ(pieces(make(file), "abc").size(), 2u);
  EXPECT_EQ(pieces(make(file, kOneWordIgnoringMerges), "abc").size(), 1u);
  // Never a control token.
  EXPECT_EQ(pieces(make(file, kOneWordIgnoringMerges), "<s>").size(), 3u);
}

TEST(Bpe, MergesThatMakeAControlTokenArePassedOver) {
  TestFile file = bpe_file({"< s", "<s >"});
  file.tokens[static_cast<size_t>(file.id("<s>"))].type = 3;
  EXPECT_EQ(pieces(make(file), "<s>"), (std::vector<std::string>{"<s", ">"}));
}

TEST(Bpe, BytesThatTheVocabularyLacksAreDroppedAndSeparate) {
  TestFile file = bpe_file({"a a"});
  file.tokens[0].type = 5;
  EXPECT_EQ(pieces(make(file), std::string_view("a\0a", 3)), (std::vector<std::string>{"a", "a"}));
}

TEST(Bpe, HeapOperationsAreLinearInTheWord) {
  Merges merges;
  for (std::string run = "a"; run.size() <= 256; run += run) merges.push_back(run + " " + run);
  for (char c = 'b'; c < 'z'; ++c) merges.push_back(std::string{c, ' ', static_cast<char>(c + 1)});
  Bpe bpe = make(bpe_file(merges));
  std::mt19937 random(1);
  std::string mixed;
  for (int i = 0; i < 1 << 20; ++i) mixed += static_cast<char>('a' + random() % 26);
  for (const std::string& word : {std::string(1 << 20, 'a'), mixed}) {
    Bpe::Scratch scratch;
    std::vector<Token> tokens;
    bpe.encode_word(word, scratch, tokens);
    EXPECT_LE(scratch.heap_pushes, 3 * word.size());
    std::string joint;
    for (Token token : tokens) joint += bpe.bytes(token);
    EXPECT_EQ(joint, word);
  }
}

struct Fault {
  std::string name;
  Merges merges;
  std::string message;
};

TEST(Bpe, FaultyMergesAreErrors) {
  const Fault faults[] = {
      {"one token", {"ab"}, "merge 0"},
      {"three tokens", {"a b", "a b c"}, "merge 1"},
      {"unknown left", {"zz a"}, "lacks"},
      {"unknown result", {"x y"}, "\"xy\""},
      {"empty", {""}, "merge 0"},
      {"bare space", {" "}, "lacks"},
      {"invalid UTF-8", {"\xFF a"}, "lacks"},
  };
  TestFile file = bpe_file({"a b"});
  for (const Fault& fault : faults) {
    std::vector<std::string_view> merges(fault.merges.begin(), fault.merges.end());
    auto bpe = Bpe::build(vocabulary_of(file), merges, kOneWord);
    ASSERT_FALSE(bpe.ok()) << fault.name;
    EXPECT_NE(bpe.error().message.find(fault.message), std::string::npos) << bpe.error().message;
  }
}

TEST(Bpe, TwoTokensOfOneTextAreAnError) {
  TestFile file = bpe_file({});
  file.tokens.push_back({"a"});
  auto bpe = Bpe::build(vocabulary_of(file), {}, kOneWord);
  ASSERT_FALSE(bpe.ok());
  EXPECT_EQ(bpe.error().message, "tokens 97 and 258 have the same text \"a\"");
  file.tokens.back().type = 5;  // unused tokens may be alike
  EXPECT_TRUE(Bpe::build(vocabulary_of(file), {}, kOneWord).ok());
}

}  // namespace
}  // namespace handmill::text
