#include "cli/chat_stream.h"

#include <gtest/gtest.h>

namespace handmill::cli {
namespace {

const std::string kGood =
    ": keep-alive\r\n\r\n"
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"ab\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data:{\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,"
    "\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n"
    "data: [DONE]\r\n\r\n";

ChatStream::Clock::time_point now() { return ChatStream::Clock::now(); }

TEST(ChatStream, CountsPiecesAndTokensHoweverItIsCut) {
  for (size_t step = 1; step <= kGood.size(); step += 7) {
    ChatStream stream(now());
    for (size_t at = 0; at < kGood.size(); at += step)
      ASSERT_TRUE(stream.take(std::string_view(kGood).substr(at, step))) << stream.error();
    const auto record = stream.finish();
    ASSERT_TRUE(record.ok()) << record.error().message;
    EXPECT_EQ(record->piece_s.size(), 2u);  // of thought and of text; the role is none
    EXPECT_EQ(record->prompt_tokens, 7);
    EXPECT_EQ(record->cached_tokens, 3);
    EXPECT_EQ(record->answer_tokens, 5);
    EXPECT_EQ(stream.text(), "ab");
  }
}

TEST(ChatStream, SaysWhatIsWrong) {
  const auto fault_of = [](const std::string& text) {
    ChatStream stream(now());
    stream.take(text);
    const auto record = stream.finish();
    return record.ok() ? std::string("nothing") : record.error().message;
  };
  EXPECT_NE(fault_of(kGood.substr(0, kGood.size() - 10)).find("before its end"), std::string::npos);
  EXPECT_NE(fault_of("data: [DONE]\n").find("counts no tokens"), std::string::npos);
  EXPECT_NE(fault_of("data: <html>\n").find("no JSON object: <html>"), std::string::npos);
  EXPECT_NE(fault_of("data: {\"error\":{\"message\":\"out of blocks\"}}\n").find("out of blocks"),
            std::string::npos);
  EXPECT_NE(fault_of("data: " + std::string(2 << 20, 'x')).find("longer than 1 MiB"),
            std::string::npos);
  EXPECT_EQ(fault_of(kGood), "nothing");
}

}  // namespace
}  // namespace handmill::cli
