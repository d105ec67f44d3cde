#include "serve/http_parser.h"

#include <gtest/gtest.h>

namespace handmill::serve {
namespace {

using Step = HttpParser::Step;

const std::string kRequest =
    "POST /a%20b?c=d HTTP/1.1\r\nHost: x\r\nX-Y: 1 \r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n4;e=f\r\ndefg\r\n0\r\n\r\n";

/// Feeds `text` in pieces of `size` bytes, and the rest that stays each time.
Step feed(HttpParser& parser, std::string_view text, size_t size) {
  std::string held;
  Step step = Step::kMore;
  while (!text.empty()) {
    held += text.substr(0, size);
    text.remove_prefix(std::min(size, text.size()));
    std::string_view rest = held;
    do step = parser.put(rest);
    while (step == Step::kHead);
    if (step != Step::kMore) return step;
    held = std::string(rest);
  }
  return step;
}

TEST(HttpParser, PiecesOfAnySizeGiveTheSameRequest) {
  const Limits limits;
  HttpParser parser(limits);
  for (size_t size = 1; size <= kRequest.size(); ++size) {
    ASSERT_EQ(feed(parser, kRequest, size), Step::kDone) << size;
    const HttpRequest request = parser.take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/a%20b");
    EXPECT_EQ(request.query, "c=d");
    EXPECT_EQ(request.header("x-y"), "1");
    EXPECT_EQ(request.body, "abcdefg");
    EXPECT_TRUE(request.has_body);
    EXPECT_TRUE(request.keep_alive);
    EXPECT_FALSE(parser.started());
  }
}

TEST(HttpParser, LeavesWhatBelongsToTheNextRequest) {
  const Limits limits;
  HttpParser parser(limits);
  const std::string two = kRequest + "GET / HTTP/1.0\r\n\r\n";
  std::string_view rest = two;
  EXPECT_EQ(parser.put(rest), Step::kHead);
  EXPECT_EQ(parser.put(rest), Step::kDone);
  EXPECT_EQ(parser.take().body, "abcdefg");
  EXPECT_EQ(parser.put(rest), Step::kHead);
  EXPECT_EQ(parser.put(rest), Step::kDone);
  const HttpRequest second = parser.take();
  EXPECT_EQ(second.version, 10);
  EXPECT_FALSE(second.keep_alive);
  EXPECT_TRUE(rest.empty());
}

TEST(HttpParser, HoldsNothingBetweenRequests) {
  const Limits limits;
  HttpParser parser(limits);
  std::string_view rest = "\r\n\r\n";
  EXPECT_EQ(parser.put(rest), Step::kMore);
  EXPECT_FALSE(parser.started());
  EXPECT_TRUE(rest.empty());
}

TEST(Http, PercentIsDecodedOrRefused) {
  EXPECT_EQ(percent_decoded("a%2Fb%2f"), "a/b/");
  EXPECT_EQ(percent_decoded("%00").value().size(), 1U);
  for (const char* bad : {"%", "%1", "a%zz", "%%20"})
    EXPECT_FALSE(percent_decoded(bad).has_value()) << bad;
}

}  // namespace
}  // namespace handmill::serve
