#include "measure/bench_page.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

BenchResult speed(int depth, double tok_s, double share) {
  BenchResult result;
  result.test = speed_test(false, 128, depth, 1);
  result.model = "m";
  result.backend = "cpu";
  result.work = WorkPerToken{1e9, 0, 1e9, 0};
  for (int run = 0; run < 3; ++run) {
    result.add("tok_s", tok_s);
    result.add("read_bytes_s", 1e11);
    result.add("int8_ops_s", 1e12);
    result.add("of_read_roof", share);
    result.add("of_int8_roof", share / 10);
  }
  return result;
}

BenchRecord record_of(std::vector<BenchResult> results) {
  BenchRecord record;
  record.environment.version = "1";
  record.results = std::move(results);
  return record;
}

size_t count(const std::string& text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(BenchPage, ShowsSpeedsByTheirShareAndByDepth) {
  const std::string page = bench_page(record_of({speed(0, 80, 0.8), speed(4096, 50, 0.4)}));
  EXPECT_NE(page.find("80 % of roof"), std::string::npos);
  EXPECT_NE(page.find("tg128 by depth"), std::string::npos);
  // Bars are as long as their shares: 420 is all the room there is.
  EXPECT_NE(page.find("class=\"bar\" x=\"190\" y=\"8\" width=\"420.0\""), std::string::npos);
  EXPECT_NE(page.find("width=\"210.0\""), std::string::npos);
  EXPECT_EQ(count(page, "class=\"dot\""), 2u);
  EXPECT_EQ(count(page, "<tr><td>tg128"), 2u);
  EXPECT_EQ(bench_page(record_of({speed(0, 80, 0.8)})).find("by depth"), std::string::npos);
}

TEST(BenchPage, ShowsRequests) {
  BenchResult result;
  result.test = {"chat", "chat", 128, 128, 0, 1};
  RequestRecord request;
  request.prompt_tokens = 128;
  request.answer_tokens = 3;
  request.piece_s = {0.5, 0.6, 0.7};
  request.end_s = 0.7;
  add_run(result, {request});
  const std::string page = bench_page(record_of({result}));
  EXPECT_NE(page.find("500 ms"), std::string::npos);
  EXPECT_NE(page.find("<h3>TPOT</h3>"), std::string::npos);
}

TEST(BenchPage, NamesCannotBecomeMarkupAndNothingIsFetched) {
  BenchResult result = speed(0, 80, 0.8);
  result.model = "<script src=\"http://x\">&";
  result.test.name = "</svg><b>";
  BenchRecord record = record_of({result});
  record.environment.cpu = "<img>";
  const std::string page = bench_page(record);
  for (const char* bad : {"<script", "<b>", "<img", "@import", "href=", "url("})
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
  EXPECT_NE(page.find("&lt;script src=&quot;http://x&quot;&gt;&amp;"), std::string::npos);
}

}  // namespace
}  // namespace handmill::measure
