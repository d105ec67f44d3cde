// Score-ordered merges against their definition, byte fallback, and the number of heap operations.
#include "text/sentencepiece.h"

#include <chrono>
#include <cstdio>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "text/test_file.h"

namespace handmill::text {
namespace {

using Pieces = std::vector<std::string>;

Vocabulary vocabulary_of(const TestFile& file) {
  Vocabulary vocabulary;
  for (const auto& each : file.tokens) {
    vocabulary.add(each.text, static_cast<TokenType>(each.type), each.score);
  }
  return vocabulary;
}

SentencePiece make(const TestFile& file, SentencePiece::Options options = {false, false}) {
  auto model = SentencePiece::build(vocabulary_of(file), options);
  EXPECT_TRUE(model.ok()) << model.error().message;
  return *std::move(model);
}

Pieces pieces(const TestFile& file, const SentencePiece& model, std::string_view text) {
  std::vector<Token> tokens;
  model.encode(text, tokens);
  Pieces pieces;
  for (Token token : tokens) pieces.push_back(file.tokens[static_cast<size_t>(token)].text);
  return pieces;
}

/// The definition: again and again, the leftmost of the pairs whose joint is the best piece.
Pieces naive_pieces(const Pieces& vocabulary, std::string_view text) {
  std::map<std::string, size_t> rank;
  for (size_t i = 0; i < vocabulary.size(); ++i) rank.emplace(vocabulary[i], i);
  Pieces pieces;
  for (char c : text) pieces.emplace_back(1, c);
  for (;;) {
    size_t best = vocabulary.size(), at = 0;
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      auto found = rank.find(pieces[i] + pieces[i + 1]);
      if (found != rank.end() && found->second < best) best = found->second, at = i;
    }
    if (best == vocabulary.size()) return pieces;
    pieces[at] += pieces[at + 1];
    pieces.erase(pieces.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
}

TEST(SentencePiece, EqualsTheDefinitionOnRandomVocabularies) {
  std::mt19937 random(3);
  auto below = [&](size_t n) { return random() % n; };
  for (int round = 0; round < 60; ++round) {
    Pieces vocabulary = {"a", "b", "c"};
    for (size_t n = below(40); n > 0; --n) {
      std::string joint =
          vocabulary[below(vocabulary.size())] + vocabulary[below(vocabulary.size())];
      if (std::ranges::count(vocabulary, joint) == 0) vocabulary.push_back(joint);
    }
    std::ranges::shuffle(vocabulary, random);
    TestFile file = sentencepiece_file(vocabulary);
    SentencePiece model = make(file);
    for (int i = 0; i < 50; ++i) {
      std::string text;
      for (size_t n = 1 + below(60); n > 0; --n) text += static_cast<char>('a' + below(3));
      ASSERT_EQ(pieces(file, model, text), naive_pieces(vocabulary, text)) << text;
    }
  }
}

TEST(SentencePiece, SpacesAreMarksAndTheFirstWordGetsOne) {
  TestFile file = sentencepiece_file({"▁a", "▁", "a", "b"});
  SentencePiece plain = make(file), prefixed = make(file, {true, false});
  EXPECT_EQ(pieces(file, plain, "a a"), (Pieces{"a", "▁a"}));
  EXPECT_EQ(pieces(file, prefixed, "a a"), (Pieces{"▁a", "▁a"}));
  EXPECT_EQ(pieces(file, prefixed, " a"), (Pieces{"▁", "▁a"}));
  EXPECT_EQ(pieces(file, prefixed, "b"), (Pieces{"▁", "b"}));
  EXPECT_EQ(pieces(file, make(file, {true, true}), "  a   a "), (Pieces{"▁a", "▁a"}));
  EXPECT_EQ(pieces(file, make(file, {true, true}), "   "), Pieces{});
}

TEST(SentencePiece, UncoveredCharactersAreBytes) {
  TestFile file = sentencepiece_file({"a"});
  SentencePiece model = make(file);
  EXPECT_EQ(pieces(file, model, "aé\xFF"), (Pieces{"a", "<0xC3>", "<0xA9>", "<0xFF>"}));
  std::vector<Token> tokens;
  model.encode("é", tokens);
  EXPECT_EQ(std::string(model.bytes(tokens[0])) + std::string(model.bytes(tokens[1])), "é");
  // The spelling of a byte, a control token or an unknown one, typed by a user, is none of them.
  EXPECT_EQ(pieces(file, model, "<0x61>").size(), 6u);
  EXPECT_EQ(pieces(file, model, "<s>").size(), 3u);
}

TEST(SentencePiece, WithoutBytesNeighbouringUnknownsAreOne) {
  TestFile file = sentencepiece_file({"a", "▁"});
  for (auto& token : file.tokens) {
    if (token.type == 6) token.type = 5;
  }
  EXPECT_EQ(pieces(file, make(file), "xya z"), (Pieces{"<unk>", "a", "▁", "<unk>"}));
  Vocabulary vocabulary = vocabulary_of(file);
  vocabulary.types[0] = TokenType::kUnused;
  vocabulary.unknown = 1;  // "<s>": plain text must not become a control token
  auto model = SentencePiece::build(vocabulary, {false, false});
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(pieces(file, *model, "xya"), (Pieces{"a"}));
}

TEST(SentencePiece, HeapOperationsAreLinearInTheText) {
  Pieces vocabulary;
  for (std::string run = "a"; run.size() <= 256; run += run) vocabulary.push_back(run);
  for (char c = 'b'; c <= 'z'; ++c) {
    vocabulary.emplace_back(1, c);
    vocabulary.push_back({c, 'a'});
    vocabulary.push_back({'a', c});
  }
  SentencePiece model = make(sentencepiece_file(vocabulary));
  std::mt19937 random(1);
  std::string mixed;
  for (int i = 0; i < 1 << 20; ++i) mixed += static_cast<char>('a' + random() % 26);
  for (const std::string& text : {std::string(1 << 20, 'a'), mixed}) {
    std::vector<Token> tokens;
    auto start = std::chrono::steady_clock::now();
    EXPECT_LE(model.encode(text, tokens), 3 * text.size());
    std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    std::printf("%zu bytes: %zu tokens in %.0f ms\n", text.size(), tokens.size(), ms.count());
    std::string joint;
    for (Token token : tokens) joint += model.bytes(token);
    EXPECT_EQ(joint, text);
  }
}

TEST(SentencePiece, FaultyVocabulariesAreErrors) {
  auto message = [](const TestFile& file) {
    auto model = SentencePiece::build(vocabulary_of(file), {});
    return model.ok() ? "" : model.error().message;
  };
  TestFile file = sentencepiece_file({"a", "a"});
  EXPECT_EQ(message(file), "tokens 259 and 260 have the same text \"a\"");
  file = sentencepiece_file({std::string(kMaxPieceBytes + 1, 'a')});
  EXPECT_EQ(message(file), "token 259 has 1025 bytes; at most 1024 are possible");
  for (const char* spelling : {"", "<0x0>", "<0x0g>", "<0x00]", "<0X00>", "x"}) {
    file = sentencepiece_file({"a"});
    file.tokens[3].text = spelling;
    EXPECT_NE(message(file).find("byte token 3"), std::string::npos) << spelling;
  }
}

}  // namespace
}  // namespace handmill::text
