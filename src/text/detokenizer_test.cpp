// A stream of tokens gives the text that one UTF-8 decoder over all of its bytes gives, and every
// part of it is valid UTF-8, wherever tokens end.
#include <gtest/gtest.h>
#include <random>

#include "text/random_text.h"
#include "text/test_file.h"
#include "text/tokenizer.h"

namespace handmill::text {
namespace {

std::shared_ptr<const Tokenizer> load(const TestFile& file) {
  auto tokenizer = file.load();
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  return *tokenizer;
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    Utf8Unit unit = utf8_unit(text, i);
    if (unit.kind != Utf8Unit::kChar) return false;
    i += unit.size;
  }
  return true;
}

std::string decoded(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size();) {
    Utf8Unit unit = utf8_unit(bytes, i);
    text += unit.kind == Utf8Unit::kChar ? bytes.substr(i, unit.size) : "\uFFFD";
    i += unit.size;
  }
  return text;
}

/// Python: bytes.decode("utf-8", errors="replace").
TEST(Detokenizer, ReplacesAsPythonDoes) {
  auto tokenizer = load(bpe_file({}));
  const std::pair<std::string, std::string> kCases[] = {
      {"\xE4\xBD\xA0", "你"},
      {"\x80", "\uFFFD"},
      {"\xC0\xAF", "\uFFFD\uFFFD"},
      {"\xE0\x80\xAF", "\uFFFD\uFFFD\uFFFD"},
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xF0\x9F\x98", "\uFFFD"},
      {"\xF0\x9F\x98"
       "A",
       "\uFFFD"
       "A"},
      {"\xE4\xBD\xE4\xBD\xA0", "\uFFFD你"},
      {"\xF1\x80\xE1\x80\xC2"
       "b\x80",
       "\uFFFD\uFFFD\uFFFD"
       "b\uFFFD"},
      {"\xF5\xFF", "\uFFFD\uFFFD"},
  };
  for (const auto& [bytes, text] : kCases) {
    Detokenizer detokenizer(tokenizer);
    std::string out;
    for (char byte : bytes) out += detokenizer.push(static_cast<uint8_t>(byte));
    EXPECT_EQ(out + detokenizer.finish(), text);
    EXPECT_EQ(detokenizer.finish(), "");
  }
}

TEST(Detokenizer, HoldsBackAnUnfinishedCharacter) {
  auto tokenizer = load(bpe_file({}));
  Detokenizer detokenizer(tokenizer);
  EXPECT_EQ(detokenizer.push(0xF0), "");
  EXPECT_EQ(detokenizer.push(0x9F), "");
  EXPECT_EQ(detokenizer.push(0x99), "");
  EXPECT_EQ(detokenizer.push(0x82), "🙂");
  EXPECT_EQ(detokenizer.push(0xE4), "");
  EXPECT_EQ(detokenizer.push('a'), "\uFFFDa");
  EXPECT_EQ(detokenizer.push(-1), "");
  EXPECT_EQ(detokenizer.push(1 << 30), "");
}

/// Random bytes, much of them characters cut anywhere, as a vocabulary of random byte strings.
TEST(Detokenizer, EveryPartIsValidAndTheWholeIsWhatOneDecoderGives) {
  std::mt19937 random(11);
  RandomText text(11);
  for (int round = 0; round < 300; ++round) {
    TestFile file = bpe_file({});
    std::vector<std::string> bytes_of;
    for (int byte = 0; byte < 256; ++byte) bytes_of.emplace_back(1, static_cast<char>(byte));
    std::vector<Token> stream;
    for (int i = 0; i < 40; ++i) {
      std::string bytes = text(1 + text.below(2));
      bytes = bytes.substr(random() % (bytes.size() + 1), 1 + random() % 6);
      if (bytes.empty() || file.id(spell_bytes(bytes)) != kNoToken) continue;
      stream.push_back(static_cast<Token>(file.tokens.size()));
      file.tokens.push_back({spell_bytes(bytes)});
      if (random() % 4 == 0) stream.push_back(static_cast<Token>(random() % 256));
    }
    std::ranges::shuffle(stream, random);
    auto tokenizer = load(file);
    std::string bytes;
    for (Token token : stream) bytes += tokenizer->token_bytes(token);
    // The stream ends anywhere: what is held back then is replaced.
    for (size_t end = 0; end <= stream.size(); ++end) {
      Detokenizer detokenizer(tokenizer);
      std::string out, part_bytes;
      for (size_t i = 0; i < end; ++i) {
        std::string part = detokenizer.push(stream[i]);
        ASSERT_TRUE(is_utf8(part));
        out += part;
        part_bytes += tokenizer->token_bytes(stream[i]);
      }
      out += detokenizer.finish();
      ASSERT_EQ(out, decoded(part_bytes));
    }
  }
}

TEST(Detokenizer, SentencePieceLosesTheFirstSpaceOnce) {
  TestFile file = sentencepiece_file({"▁a", "▁", "a"});
  auto tokenizer = load(file);
  const Token a = file.id("▁a"), space = file.id("▁"), s = file.id("<s>");
  auto text = [&](std::vector<Token> tokens, bool special = false) {
    Detokenizer detokenizer(tokenizer, special);
    std::string out;
    for (Token token : tokens) out += detokenizer.push(token);
    return out + detokenizer.finish();
  };
  EXPECT_EQ(text({a, a}), "a a");
  EXPECT_EQ(text({s, a, a}), "a a");
  EXPECT_EQ(text({s, a}, true), "<s>a");
  EXPECT_EQ(text({space, a}), " a");
  EXPECT_EQ(text(tokenizer->encode("  a a ")), "  a a ");
  file.flags = {{"add_space_prefix", false}};
  tokenizer = load(file);
  EXPECT_EQ(text({a, a}), " a a");
}

}  // namespace
}  // namespace handmill::text
