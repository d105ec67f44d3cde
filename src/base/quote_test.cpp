// Untrusted text in messages: nothing that a terminal acts on gets through, and nothing grows long.
#include "base/quote.h"

#include <gtest/gtest.h>

namespace handmill::base {
namespace {

TEST(Quoted, KeepsPrintableTextAndEscapesTheRest) {
  EXPECT_EQ(quoted("general.alignment"), "\"general.alignment\"");
  EXPECT_EQ(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(quoted("\x1b[31m\n\x7f"), "\"\\x1b[31m\\x0a\\x7f\"");
  EXPECT_EQ(quoted(std::string_view("\0", 1)), "\"\\x00\"");
}

TEST(Quoted, KeepsLettersOfEveryLanguage) {
  for (const char* text : {"wörld", "模型", "нет", "😀"})
    EXPECT_EQ(quoted(text), "\"" + std::string(text) + "\"");
}

TEST(Quoted, EscapesWhatIsNotACharacterOrActsOnTheText) {
  EXPECT_EQ(quoted("\xc3"), "\"\\xc3\"");                    // cut
  EXPECT_EQ(quoted("\xc0\xaf"), "\"\\xc0\\xaf\"");           // overlong
  EXPECT_EQ(quoted("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"");  // a surrogate
  EXPECT_EQ(quoted("\xf4\x90\x80\x80"), "\"\\xf4\\x90\\x80\\x80\"");
  EXPECT_EQ(quoted("\xc2\x9b"), "\"\\xc2\\x9b\"");             // a control of eight bits
  EXPECT_EQ(quoted("a\xe2\x80\xae"), "\"a\\xe2\\x80\\xae\"");  // from right to left
}

TEST(Quoted, CutsLongText) {
  EXPECT_EQ(quoted("模型", 5), "\"模\"… (6 bytes)");
  EXPECT_EQ(quoted("abcdef", 6), "\"abcdef\"");
  EXPECT_EQ(quoted("abcdefg", 6), "\"abcdef\"… (7 bytes)");
}

}  // namespace
}  // namespace handmill::base
