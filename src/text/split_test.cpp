// The hand-written finders against PCRE2 on the published patterns, over random Unicode text; and
// the class table against PCRE2's properties over every code point (both are Unicode 14 on Debian
// 12).
#include "text/split.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>

#include "text/pcre2_pattern.h"
#include "text/random_text.h"
#include "text/unicode.h"

namespace handmill::text {
namespace {

struct Published {
  std::string name;
  std::vector<std::string> patterns;  // applied one after another

  friend void PrintTo(const Published& each, std::ostream* out) { *out << each.name; }
};

const std::string kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string kSuffix = R"((?i:'s|'t|'re|'ve|'m|'ll|'d))";
const std::string kSpaces = R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kLowerSet = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])",
                  kUpperSet = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])";
const std::string kPrefix = R"([^\r\n\p{L}\p{N}]?)";
const std::string kLlama3 =
    kSuffix + R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" + kSpaces;
const std::string kQwen2 =
    kSuffix + R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)" + kSpaces;
const std::string kQwen35 =
    kSuffix + R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" + kSpaces;
const std::string kTekken = kPrefix + kUpperSet + "*" + kLowerSet + "+|" + kPrefix + kUpperSet +
                            "+" + kLowerSet + R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" + kSpaces;
const std::string kGpt4o = kPrefix + kUpperSet + "*" + kLowerSet + "+" + kSuffix + "?|" + kPrefix +
                           kUpperSet + "+" + kLowerSet + "*" + kSuffix +
                           R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" + kSpaces;
const std::string kDeepseek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*)" +
    kSpaces;
const std::string kDeepseekLetters =
    R"(A-Za-z\xB5\xC0-\xD6\xD8-\xF6\xF8-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293})"
    R"(\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386})"
    R"(\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F})"
    R"(\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA})"
    R"(\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A})"
    R"(\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D})"
    R"(\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4})"
    R"(\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3})"
    R"(\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})"
    R"(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D})"
    R"(\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184})"
    R"(\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D})"
    R"(\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E})"
    R"(\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A})"
    R"(\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB})"
    R"(\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})";
const std::string kDeepseekPuncts =
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)";
const std::string kDeepseekCjk = R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";

const std::vector<Published> kPublished = {
    {"gpt-2", {kGpt2}},
    {"smollm", {R"(\p{N})", kGpt2}},
    {"llama-bpe", {kLlama3}},
    {"qwen2", {kQwen2}},
    {"qwen35", {kQwen35}},
    {"tekken", {kTekken}},
    {"gpt-4o", {kGpt4o}},
    {"deepseek-llm",
     {R"([\r\n])", R"(\s?[)" + kDeepseekLetters + "]+", kDeepseekPuncts, R"(\s+$)", kDeepseekCjk,
      R"(\p{N}+)"}},
    {"deepseek-coder", {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepseekCjk, R"(\p{N})"}},
    {"deepseek-v3",
     {R"(\p{N}{1,3})", R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)", kDeepseek3}},
};

/// What split() does, with PCRE2 as the finder.
void split_by_pcre2(std::span<const std::unique_ptr<Pcre2Pattern>> patterns, std::string_view text,
                    std::vector<std::string_view>& words) {
  if (patterns.empty()) {
    words.push_back(text);
    return;
  }
  for (size_t from = 0; from < text.size();) {
    Match match = patterns.front()->find(text, from);
    if (match.begin > from) {
      split_by_pcre2(patterns.subspan(1), text.substr(from, match.begin - from), words);
    }
    if (match.end > match.begin) {
      split_by_pcre2(patterns.subspan(1), text.substr(match.begin, match.end - match.begin), words);
    }
    from = match.end;
  }
}

/// Every character that may have a class and that PCRE2 and White_Space agree on, each behind
/// `before`. Beyond U+3FFFF only the tags and selectors of plane 14 are more than unassigned.
std::string all_characters(std::string_view before) {
  std::string all;
  for (char32_t code = 0; code < 0xE0200; ++code) {
    if (code == 0x40000) code = 0xE0000;
    if ((code >= 0xD800 && code < 0xE000) || code == kPcre2SpaceAlone) continue;
    all += before;
    append_utf8(all, code);
  }
  return all;
}

class Split : public testing::TestWithParam<Published> {
 protected:
  void SetUp() override {
    pre_ = find_pre_tokenizer(GetParam().name);
    ASSERT_NE(pre_, nullptr);
    for (const auto& each : GetParam().patterns) {
      patterns_.push_back(std::make_unique<Pcre2Pattern>(each));
    }
  }
  std::vector<std::string_view> words(std::string_view text) const {
    std::vector<std::string_view> words;
    split(pre_->stages, text, words);
    return words;
  }
  std::vector<std::string_view> expected(std::string_view text) const {
    std::vector<std::string_view> words;
    split_by_pcre2(patterns_, text, words);
    return words;
  }
  const PreTokenizer* pre_ = nullptr;
  std::vector<std::unique_ptr<Pcre2Pattern>> patterns_;
};

TEST_P(Split, EqualsPcre2OnRandomText) {
  RandomText random(20261122);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random(1 + random.below(14));
    ASSERT_EQ(words(text), expected(text)) << "text " << i << ": " << testing::PrintToString(text);
  }
}

TEST_P(Split, EqualsPcre2OnEveryCharacter) {
  for (const char* before : {"", " a"}) {
    const std::string text = all_characters(before);
    ASSERT_TRUE(words(text) == expected(text)) << '"' << before << '"';
  }
}

TEST_P(Split, KeepsEveryByteOfAnyBytes) {
  RandomText random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (uint32_t n = random.below(40); n > 0; --n) {
      text += random.below(3) != 0 ? static_cast<char>(random.below(256)) : ' ';
    }
    std::string joint;
    for (std::string_view word : words(text)) {
      EXPECT_FALSE(word.empty());
      joint += word;
    }
    ASSERT_EQ(joint, text);
  }
}

/// What makes a naive regex quadratic: runs that one alternative scans to the end and then gives
/// back. A quadratic finder would take an hour here, and CTest's limit would end it.
TEST_P(Split, IsLinearOnLongRuns) {
  for (const char* unit :
       {" ", "a", "A", "1", "!", "\n", "\u0301", "你", " \t", "ªA", "\u3000", "'"}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    text += "x";
    size_t bytes = 0;
    for (std::string_view word : words(text)) bytes += word.size();
    EXPECT_EQ(bytes, text.size());
  }
}

INSTANTIATE_TEST_SUITE_P(PreTokenizers, Split, testing::ValuesIn(kPublished), [](const auto& each) {
  std::string name = each.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(PreTokenizers, EachIsHeldAgainstAPublishedPatternOrIsAnotherNameForOne) {
  const std::pair<const char*, const char*> kSame[] = {
      {"llama3", "llama-bpe"},       {"llama-v3", "llama-bpe"}, {"smaug-bpe", "llama-bpe"},
      {"dbrx", "llama-bpe"},         {"glm4", "llama-bpe"},     {"chatglm-bpe", "llama-bpe"},
      {"deepseek-r1-qwen", "qwen2"}, {"llama4", "gpt-4o"},
  };
  for (auto [name, other] : kSame) {
    ASSERT_NE(find_pre_tokenizer(name), nullptr) << name;
    EXPECT_EQ(find_pre_tokenizer(name)->stages.data(), find_pre_tokenizer(other)->stages.data());
  }
  const std::string names = pre_tokenizer_names();
  EXPECT_EQ(std::count(names.begin(), names.end(), ',') + 1, kPublished.size() + std::size(kSame));
  EXPECT_EQ(find_pre_tokenizer("no such"), nullptr);
}

TEST(Unicode, ClassesArePcre2sForEveryCodePoint) {
  const std::string all = all_characters("");
  const std::pair<const char*, uint8_t> kClasses[] = {
      {R"([\p{Lu}\p{Lt}]+)", kUpper}, {R"(\p{Ll}+)", kLower}, {R"([\p{Lm}\p{Lo}]+)", kCaseless},
      {R"(\p{M}+)", kMark},           {R"(\p{N}+)", kNumber}, {R"(\p{P}+)", kPunct},
      {R"(\p{S}+)", kSymbol},         {R"(\s+)", kSpace},
  };
  for (auto [pattern, bit] : kClasses) {
    Pcre2Pattern oracle(pattern);
    std::vector<bool> in(0x110000);
    for (size_t from = 0; from < all.size();) {
      Match match = oracle.find(all, from);
      Char c;
      for (size_t i = match.begin; i < match.end; i += c.size) {
        c = char_at(all, i);
        in[c.code] = true;
      }
      from = match.end;
    }
    for (char32_t code = 0; code < 0x110000; ++code) {
      if (code == kPcre2SpaceAlone) continue;
      ASSERT_EQ((char_classes(code) & bit) != 0, in[code])
          << pattern << " " << static_cast<uint32_t>(code);
    }
  }
}

TEST(Unicode, CharAtReadsWhatAppendUtf8Wrote) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    std::string text;
    append_utf8(text, code);
    Char c = char_at(text, 0);
    bool surrogate = code >= 0xD800 && code < 0xE000;
    ASSERT_EQ(c.code, surrogate ? 0xFFFD : code);
    if (surrogate) continue;
    ASSERT_EQ(c.size, text.size());
  }
  EXPECT_EQ(char_at("a", 1).size, 0);
}

}  // namespace
}  // namespace handmill::text
