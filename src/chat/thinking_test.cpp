// The <think> part of an answer, however the text is cut.
#include "chat/thinking.h"

#include <gtest/gtest.h>

namespace handmill::chat {
namespace {

/// "[think]answer", from text cut into pieces of `size` bytes.
std::string split(std::string_view text, size_t size, bool inside = false) {
  std::string out;
  ThinkingSplitter splitter(inside, [&out](std::string_view part, bool thinking) {
    for (const char c : part) out += thinking ? std::string("~") + c : std::string(1, c);
  });
  for (size_t i = 0; i < text.size(); i += size) splitter.push(text.substr(i, size));
  splitter.finish();
  return out;
}

TEST(Thinking, IsToldFromTheAnswerHoweverItIsCut) {
  for (size_t size = 1; size < 30; ++size) {
    EXPECT_EQ(split("<think>ab</think>c <d> e", size), "~a~bc <d> e") << size;
    EXPECT_EQ(split("ab</think>c", size, true), "~a~bc") << size;
    EXPECT_EQ(split("1 < 2 <thin", size), "1 < 2 <thin") << size;
    EXPECT_EQ(split(" \n<think>a</think>\n<think>b</think>", size), " \n~a\n~b") << size;
    EXPECT_EQ(split("The tag <think> is</think>.", size), "The tag <think> is</think>.") << size;
    EXPECT_EQ(split("a</think>The tag <think>.", size, true), "~aThe tag <think>.") << size;
    EXPECT_EQ(split(" <thin", size), " <thin") << size;
  }
}

TEST(Thinking, SaysWhereItIs) {
  ThinkingSplitter splitter(false, [](std::string_view, bool) {});
  EXPECT_FALSE(splitter.inside());
  splitter.push("<think>a");
  EXPECT_TRUE(splitter.inside());
  splitter.push("</think");
  EXPECT_TRUE(splitter.inside());
  splitter.push(">");
  EXPECT_FALSE(splitter.inside());
}

}  // namespace
}  // namespace handmill::chat
