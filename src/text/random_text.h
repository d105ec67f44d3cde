// Random text for tests: runs of what tokenizers treat apart (letters of both cases, marks, digits,
// spaces, newlines, punctuation, scripts, contractions, any assigned character), seeded.
#pragma once

#include <random>
#include <string>

#include "text/unicode.h"

namespace handmill::text {

/// A format character that PCRE2's \s takes for a space, unlike the White_Space property and every
/// tokenizer; random text is without it.
inline constexpr char32_t kPcre2SpaceAlone = 0x180E;

class RandomText {
 public:
  explicit RandomText(uint32_t seed) : random_(seed) {}

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  std::string operator()(uint32_t runs) {
    std::string text;
    for (uint32_t i = 0; i < runs; ++i) append_run(text);
    return text;
  }

 private:
  void append_run(std::string& text) {
    static constexpr const char* kPhrases[] = {
        "'s",    "'S",       "'t", "'re", "'VE",     "'ll",     "'Ll", "'m",   "'D",
        "'x",    "'",        "' ", "a'",  "'\u017F", "\u017F",  "/",   "//\n", "\r\n",
        "naïve", "İstanbul", "ǅ",  "ʰ",   "ªº",      "e\u0301", "क्षि", "ไม่",   "你好"};
    // First and last character of each alphabet, drawn from evenly.
    static constexpr char32_t kAlphabets[][2] = {
        {'a', 'z'},       {'A', 'Z'},         {'0', '9'},         {' ', ' '},
        {'\n', '\n'},     {'\t', '\r'},       {'!', '~'},         {' ', '~'},
        {0x300, 0x36F},   {0x400, 0x4FF},     {0x5D0, 0x669},     {0x900, 0x97F},
        {0xE00, 0xE7F},   {0x1E00, 0x1FFF},   {0x2000, 0x20FF},   {0x2100, 0x218F},
        {0x3000, 0x30FF}, {0x4E00, 0x9FFF},   {0xAC00, 0xD7FF},   {0xA640, 0xABBF},
        {0xFB00, 0xFFFF}, {0x10400, 0x1E943}, {0x1F300, 0x1FAFF}, {0, 0x2FFFF},
        {0xA0, 0x24F},    {0x250, 0x2FF},
    };
    if (below(4) == 0) {
      text += kPhrases[below(std::size(kPhrases))];
      return;
    }
    auto [first, last] = kAlphabets[below(std::size(kAlphabets))];
    for (uint32_t n = 1 + below(4); n > 0; --n) {
      char32_t code = first + below(static_cast<uint32_t>(last - first + 1));
      if ((code >= 0xD800 && code < 0xE000) || code == kPcre2SpaceAlone) continue;
      append_utf8(text, code);
    }
  }

  std::mt19937 random_;
};

}  // namespace handmill::text
