// The small pieces that text goes through: UTF-8, terminal, words, token lists.
#include <gtest/gtest.h>

#include "cli/chat_commands.h"
#include "cli/figures.h"
#include "cli/npy.h"
#include "cli/progress_bar.h"
#include "cli/terminal.h"
#include "cli/token_list.h"
#include "cli/utf8.h"
#include "cli/wrap.h"

namespace handmill::cli {
namespace {

TEST(Utf8, RoundTripsAndReplacesWhatIsBroken) {
  const std::string text = "aß€😀\n";
  EXPECT_EQ(to_utf8(to_wide(text)), text);
  EXPECT_EQ(to_wide("\xE2\x82"), L"\uFFFD");  // cut
  EXPECT_EQ(to_wide("\xFFz"), L"\uFFFDz");    // no lead byte
  // A surrogate, beyond U+10FFFF, overlong: one for each byte, as Unicode advises.
  EXPECT_EQ(to_wide("\xED\xA0\x80"), L"\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(to_wide("\xF4\x90\x80\x80"), L"\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(to_wide("\xE0\x80\xAF"), L"\uFFFD\uFFFD\uFFFD");
}

TEST(Terminal, AnswersCannotDriveIt) {
  EXPECT_EQ(terminal::printable("a\tb\nc"), "a\tb\nc");
  EXPECT_EQ(terminal::printable("\x1b[2J"), "\uFFFD[2J");
  EXPECT_EQ(terminal::printable("\xC2\x9B"
                                "31m"),
            "\uFFFD31m");  // CSI as one C1 character
  EXPECT_EQ(terminal::printable("é\x7F"), "é\uFFFD");
}

TEST(ChatCommands, AreToldFromText) {
  EXPECT_TRUE(is_command("/set temperature 0"));
  EXPECT_TRUE(is_command("/?"));
  EXPECT_TRUE(is_command("/nonsense"));
  EXPECT_FALSE(is_command("/usr/bin/env is a path"));
  EXPECT_FALSE(is_command("/set\na pasted text"));
  EXPECT_FALSE(is_command("/"));
  EXPECT_FALSE(is_command("a /set"));
}

TEST(ChatCommands, SplitWordsAsAShellDoes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(*split_words("/set stop \"a b\" '\\n' c\\d"),
            (Words{"/set", "stop", "a b", "\\n", "c\\d"}));
  EXPECT_EQ(*split_words("/set stop \"\\n\\\"x\""), (Words{"/set", "stop", "\n\"x"}));
  EXPECT_EQ(*split_words("don't  \"\""), (Words{"don't", ""}));
  EXPECT_FALSE(split_words("/save \"a").ok());
}

TEST(TokenList, TakesEverySeparatorAndChecksBounds) {
  using Tokens = std::vector<text::Token>;
  EXPECT_EQ(*parse_tokens("[1, 2,3\n4\t5 ]\n", 6, "f"), (Tokens{1, 2, 3, 4, 5}));
  EXPECT_EQ(parse_tokens("1 6", 6, "f").error().message,
            "f: byte 2: token 6 is not in the vocabulary (0 to 5)");
  for (const char* bad : {"", "[]", "-1", "1;2", "0x1", "1.5", "99999999999999999999"})
    EXPECT_FALSE(parse_tokens(bad, 6, "f").ok()) << bad;
}

TEST(Npy, HeaderIsAlignedAndSaysItsLength) {
  for (const size_t rows : {size_t{1}, size_t{12345678901}}) {
    const std::string header = npy_header(rows, 49152);
    EXPECT_EQ(header.size() % 64, 0u);
    EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
    const auto low = static_cast<unsigned char>(header[8]);
    const auto high = static_cast<unsigned char>(header[9]);
    EXPECT_EQ(low + high * 256u, header.size() - 10);
    EXPECT_EQ(header.back(), '\n');
  }
}

TEST(ProgressBar, FitsTheLine) {
  const std::string line = ProgressBar::line("Loading x", 50000000, 100000000, 80);
  EXPECT_EQ(line, "Loading x [###############---------------]  50%  50.0 MB of 100 MB");
  for (const int columns : {1, 5, 6, 10, 20, 40, 60, 100})
    for (const char* label : {"x", "Loading a-model-whose-name-is-as-long-as-names-are-q4_k_m"})
      EXPECT_LE(ProgressBar::line(label, 1, 2, columns).size(),
                static_cast<size_t>(std::max(columns, 5)));
  EXPECT_NE(ProgressBar::line("x", 5, 0, 80).find("100%"), std::string::npos);
}

TEST(Figures, HaveThreeDigitsAndAUnit) {
  EXPECT_EQ(bytes_text(999), "999 bytes");
  EXPECT_EQ(bytes_text(999999), "1.00 MB");
  EXPECT_EQ(bytes_text(98362432), "98.4 MB");
  EXPECT_EQ(count_text(999999), "999999");
  EXPECT_EQ(count_text(134515008), "135 M");
  EXPECT_EQ(count_text(999600000), "1.00 B");
  EXPECT_EQ(count_text(7615616512), "7.62 B");
}

TEST(Wrap, KeepsWordsWhole) {
  EXPECT_EQ(wrap("one two three", 2, 9), "one two\n  three");
  EXPECT_EQ(wrap_entry("-x", "word", 6, 40), "  -x  word\n");
  EXPECT_EQ(wrap_entry("--long", "word", 6, 40), "  --long\n      word\n");
}

}  // namespace
}  // namespace handmill::cli
