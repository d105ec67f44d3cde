// Untrusted text in messages: nothing that a terminal acts on gets through, and nothing grows long.
#include "base/quote.h"

#include <gtest/gtest.h>

namespace handmill::base {
namespace {

TEST(Quoted, KeepsPrintableTextAndEscapesTheRest) {
  EXPECT_EQ(quoted("general.alignment"), "\"general.alignment\"");
  EXPECT_EQ(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(quoted("\x1b[31m\n\x7f\xc3\xa9"), "\"\\x1b[31m\\x0a\\x7f\\xc3\\xa9\"");
  EXPECT_EQ(quoted(std::string_view("\0", 1)), "\"\\x00\"");
}

TEST(Quoted, CutsLongText) {
  EXPECT_EQ(quoted("abcdef", 6), "\"abcdef\"");
  EXPECT_EQ(quoted("abcdefg", 6), "\"abcdef\"… (7 bytes)");
}

}  // namespace
}  // namespace handmill::base
