// The load generator's own logic: plans that follow from a seed, streams in pieces, figures.
#include <algorithm>
#include <boost/json/object.hpp>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <set>

#include "base/json.h"
#include "load/client.h"
#include "load/figures.h"
#include "load/plan.h"
#include "load/stream.h"

namespace handmill::load {
namespace {

boost::json::object body_of(const Plan& plan, int number) {
  return base::parse_json(plan.request(number).body).value().as_object();
}

std::string prompt_of(const Plan& plan, int number) {
  return std::string(body_of(plan, number).at("prompt").as_string());
}

int words_in(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), ' ')) + 1;
}

TEST(Length, Reads) {
  EXPECT_EQ(read_length("200")->low, 200);
  EXPECT_EQ(read_length("200")->high, 200);
  EXPECT_EQ(read_length("5-9")->low, 5);
  EXPECT_EQ(read_length("5-9")->high, 9);
  EXPECT_EQ(read_length("exp:70")->kind, Length::Kind::kExponential);
  for (const char* bad : {"", "0", "-3", "9-5", "5-", "x", "exp:", "exp:0", "5 ", "1048577", "1e3"})
    EXPECT_FALSE(read_length(bad).ok()) << bad;
}

TEST(Plan, FollowsFromTheSeed) {
  Settings settings{.rate = 50, .requests = 20};
  const Plan one(settings), same(settings);
  settings.seed = 2;
  const Plan other(settings);
  EXPECT_EQ(one.arrivals(), same.arrivals());
  EXPECT_NE(one.arrivals(), other.arrivals());
  std::set<std::string> bodies;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(one.request(i).body, same.request(i).body);
    bodies.insert(one.request(i).body);
    bodies.insert(other.request(i).body);
  }
  EXPECT_EQ(bodies.size(), 40u);
}

TEST(Plan, ArrivalsArePoisson) {
  const Plan plan({.rate = 40, .requests = 20000});
  const std::vector<double>& at = plan.arrivals();
  std::vector<double> gaps;
  for (size_t i = 1; i < at.size(); ++i) gaps.push_back(at[i] - at[i - 1]);
  const double count = static_cast<double>(gaps.size());
  const double mean = std::accumulate(gaps.begin(), gaps.end(), 0.0) / count;
  double square = 0, longer = 0;
  for (const double gap : gaps) {
    EXPECT_GE(gap, 0);
    square += (gap - mean) * (gap - mean);
    longer += gap > 1.0 / 40;
  }
  // Exponential gaps: the deviation is the mean, and 1/e of them are longer than it.
  EXPECT_NEAR(mean, 1.0 / 40, 0.001);
  EXPECT_NEAR(std::sqrt(square / count), 1.0 / 40, 0.002);
  EXPECT_NEAR(longer / count, std::exp(-1), 0.015);
}

TEST(Plan, EndsWithItsDuration) {
  const Plan plan({.rate = 100, .requests = 100000, .duration_s = 2});
  EXPECT_LE(plan.arrivals().back(), 2);
  EXPECT_NEAR(static_cast<double>(plan.arrivals().size()), 200, 60);
}

TEST(Plan, PromptsShareTheirPrefixAlone) {
  Settings settings{
      .prompt = {.low = 30, .high = 30}, .output = {.low = 7, .high = 7}, .prefix = 20};
  const Plan plan(settings);
  settings.seed = 9;
  const Plan later(settings);
  const std::string first = prompt_of(plan, 0), second = prompt_of(plan, 1);
  EXPECT_EQ(words_in(first), 30);
  const auto shared = [&](const std::string& text) {
    size_t at = 0;
    for (int i = 0; i < 20; ++i) at = text.find(' ', at) + 1;
    return text.substr(0, at);
  };
  EXPECT_EQ(shared(first), shared(second));
  EXPECT_EQ(shared(first), shared(prompt_of(later, 0)));
  EXPECT_NE(first, second);
  EXPECT_EQ(body_of(plan, 0).at("max_tokens"), 7);
  EXPECT_EQ(body_of(plan, 0).at("ignore_eos"), true);
  settings.prefix_seed = 2;
  EXPECT_NE(shared(prompt_of(Plan(settings), 0)), shared(first));
}

TEST(Plan, LengthsKeepTheirBounds) {
  const Plan plan({.prompt = {.low = 3, .high = 6},
                   .output = {Length::Kind::kExponential, 10, 10},
                   .requests = 1});
  std::set<int> lengths;
  double sum = 0;
  for (int i = 0; i < 3000; ++i) {
    const int words = words_in(prompt_of(plan, i));
    EXPECT_TRUE(words >= 3 && words <= 6) << words;
    lengths.insert(words);
    const int output = plan.request(i).output_tokens;
    EXPECT_TRUE(output >= 1 && output <= 80) << output;
    sum += output;
  }
  EXPECT_EQ(lengths.size(), 4u);
  EXPECT_NEAR(sum / 3000, 10, 1);
}

TEST(Plan, IdsAreExactAndInRange) {
  const Plan plan({.ids = true, .prompt = {.low = 50, .high = 50}, .ids_low = 5, .ids_high = 9});
  const boost::json::object body = body_of(plan, 3);
  const auto& ids = body.at("prompt").as_array();
  EXPECT_EQ(ids.size(), 50u);
  for (const auto& id : ids) EXPECT_TRUE(id.as_int64() >= 5 && id.as_int64() < 9);
}

TEST(Plan, AsManyLeaveAsAskedInEveryWay) {
  const Plan plan({.output = {.low = 10, .high = 10}, .leave = 0.33, .leave_within_s = 3});
  int left = 0, timed = 0, reset = 0;
  for (int i = 0; i < 6000; ++i) {
    const std::optional<Leave> leave = plan.request(i).leave;
    if (!leave) continue;
    ++left;
    reset += leave->reset;
    timed += leave->after_s.has_value();
    if (leave->after_s)
      EXPECT_TRUE(*leave->after_s >= 0 && *leave->after_s < 3);
    else
      EXPECT_TRUE(leave->pieces >= 1 && leave->pieces <= 9);
  }
  EXPECT_NEAR(left, 1980, 150);
  EXPECT_NEAR(timed, left / 2, 120);
  EXPECT_NEAR(reset, left / 2, 120);
}

/// The body of an answer that comes in pieces of `step` bytes; "!" and the error where it is none.
std::string body_in_pieces(const std::string& answer, size_t step, HttpReader& http) {
  std::string body;
  for (size_t at = 0; at < answer.size(); at += step)
    if (const Status status = http.take(std::string_view(answer).substr(at, step),
                                        [&](std::string_view part) { body += part; });
        !status.ok())
      return "!" + status.error().message;
  return body;
}

TEST(HttpReader, ReadsEveryFramingInPiecesOfAnySize) {
  const std::string chunked =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;a=b\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: x\r\n\r\n";
  const std::string sized = "HTTP/1.1 503 No\r\nRETRY-AFTER: 1\r\ncontent-length:  5\r\n\r\nhello";
  const std::string to_close = "HTTP/1.0 200 OK\n\nhello";
  for (size_t step = 1; step < 80; ++step) {
    HttpReader one, two, three;
    EXPECT_EQ(body_in_pieces(chunked, step, one), "helloabcdefghijklmnopqrstuvwxyz");
    EXPECT_TRUE(one.whole());
    EXPECT_EQ(one.status(), 200);
    EXPECT_FALSE(one.retry_after());
    EXPECT_EQ(body_in_pieces(sized, step, two), "hello");
    EXPECT_TRUE(two.whole());
    EXPECT_EQ(two.status(), 503);
    EXPECT_TRUE(two.retry_after());
    EXPECT_EQ(body_in_pieces(to_close, step, three), "hello");
    EXPECT_FALSE(three.whole());
    EXPECT_TRUE(three.whole_at_close());
  }
}

TEST(HttpReader, TellsWhatIsCutOffOrBroken) {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (size_t cut = 0; cut < chunked.size(); ++cut) {
    HttpReader http;
    EXPECT_EQ(body_in_pieces(chunked.substr(0, cut), 7, http).find('!'), std::string::npos);
    EXPECT_FALSE(http.whole_at_close()) << cut;
  }
  for (const std::string bad :
       {"SSH-2.0\r\n", "HTTP/1.1 abc OK\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc"}) {
    HttpReader http;
    EXPECT_EQ(body_in_pieces(bad, 3, http)[0], '!') << bad;
  }
  HttpReader http;
  EXPECT_EQ(body_in_pieces("HTTP/1.1 200 OK\r\n" + std::string(70000, 'a'), 999, http)[0], '!');
}

std::vector<std::string> events_in_pieces(const std::string& stream, size_t step) {
  EventReader reader;
  std::vector<std::string> events;
  for (size_t at = 0; at < stream.size(); at += step)
    EXPECT_TRUE(reader
                    .take(std::string_view(stream).substr(at, step),
                          [&](std::string_view data) { events.emplace_back(data); })
                    .ok());
  return events;
}

TEST(EventReader, ReadsEventsInPiecesOfAnySize) {
  const std::string stream =
      ": a comment\n\ndata: one\n\nevent: x\r\ndata:two\r\ndata:  lines\r\n\r\n"
      "id: 7\n\ndata\n\ndata: [DONE]\r\rdata: unfinished\n";
  const std::vector<std::string> expected{"one", "two\n lines", "", "[DONE]"};
  for (size_t step = 1; step <= stream.size(); ++step)
    EXPECT_EQ(events_in_pieces(stream, step), expected) << step;
}

TEST(EventReader, BoundsAnEvent) {
  EventReader reader;
  Status status;
  for (int i = 0; i < 40 && status.ok(); ++i)
    status = reader.take(std::string(64 << 10, 'a'), [](std::string_view) {});
  EXPECT_FALSE(status.ok());
}

TEST(Piece, KnowsTextUsageAndErrors) {
  const auto piece = [](std::string_view data) { return read_piece(data).value(); };
  EXPECT_TRUE(piece(R"({"choices":[{"delta":{"content":"a"}}]})").text);
  EXPECT_TRUE(piece(R"({"choices":[{"delta":{"content":null,"reasoning_content":"a"}}]})").text);
  EXPECT_TRUE(piece(R"({"choices":[{"text":"a","finish_reason":null}]})").text);
  EXPECT_FALSE(piece(R"({"choices":[{"delta":{"role":"assistant","content":null}}]})").text);
  EXPECT_FALSE(piece(R"({"choices":[{"text":"","finish_reason":"length"}]})").text);
  EXPECT_EQ(piece(R"({"choices":[{"text":"","finish_reason":"length"}]})").finish, "length");
  EXPECT_TRUE(piece("[DONE]").done);
  EXPECT_EQ(piece(R"({"error":{"message":"no","code":500}})").error, "no");
  EXPECT_FALSE(piece(R"({"error":7})").error.empty());
  const Piece usage = piece(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,
      "prompt_tokens_details":{"cached_tokens":8}}})");
  EXPECT_EQ(usage.prompt_tokens, 9);
  EXPECT_EQ(usage.completion_tokens, 4);
  EXPECT_EQ(usage.cached_tokens, 8);
  EXPECT_FALSE(piece(R"({"usage":null,"choices":null})").prompt_tokens.has_value());
  for (const char* bad : {"", "[]", "{", "nothing", "{} {}"}) EXPECT_FALSE(read_piece(bad).ok());
}

TEST(Spread, IsOnTheLineBetweenTwoValues) {
  const Spread spread = spread_of({5, 1, 2, 4, 3});
  EXPECT_EQ(spread.count, 5u);
  EXPECT_DOUBLE_EQ(spread.p50, 3);
  EXPECT_DOUBLE_EQ(spread.p90, 4.6);
  EXPECT_DOUBLE_EQ(spread.p95, 4.8);
  EXPECT_DOUBLE_EQ(spread.p99, 4.96);
  EXPECT_DOUBLE_EQ(spread.mean, 3);
  EXPECT_DOUBLE_EQ(spread.max, 5);
  EXPECT_DOUBLE_EQ(spread_of({7}).p99, 7);
  EXPECT_EQ(spread_of({}).count, 0u);
}

TEST(Goal, Reads) {
  EXPECT_DOUBLE_EQ(*read_goal("ttft<2,tpot<50ms")->tpot_s, 0.05);
  EXPECT_DOUBLE_EQ(*read_goal("ttft<2s")->ttft_s, 2);
  EXPECT_FALSE(read_goal("ttft<2s")->tpot_s.has_value());
  EXPECT_TRUE(read_goal("").ok());
  for (const char* bad : {"ttft", "ttft<", "ttft<x", "ttft<-1", "ttft<1m", "itl<1", "ttft<1;tpot<1",
                          "ttft<inf", "ttft<nan"})
    EXPECT_FALSE(read_goal(bad).ok()) << bad;
}

TEST(Summary, CountsWholeAnswersAndNamesFailures) {
  using Kind = Outcome::Kind;
  const auto whole = [](double arrival, double first, double last) {
    return Outcome{.kind = Kind::kWhole,
                   .arrival_s = arrival,
                   .first_s = first,
                   .last_s = last,
                   .end_s = last,
                   .pieces = 5,
                   .prompt_tokens = 100,
                   .completion_tokens = 11,
                   .cached_tokens = 32,
                   .gaps_s = {0.1, 0.3}};
  };
  const std::vector<Outcome> outcomes{
      whole(1, 2, 3),   // TTFT 1, TPOT 0.1
      whole(1, 4, 5),   // TTFT 3
      whole(2, 3, 11),  // TPOT 0.8
      {.kind = Kind::kLeft, .arrival_s = 1, .end_s = 4},
      {.kind = Kind::kFailed, .error = "http 503", .detail = "busy", .arrival_s = 1, .end_s = 1},
      {.kind = Kind::kFailed, .error = "http 503", .detail = "more", .arrival_s = 1, .end_s = 1}};
  const Summary sum = summarize(outcomes, {.ttft_s = 2, .tpot_s = 0.5}, 6);
  EXPECT_EQ(sum.requests, 6);
  EXPECT_EQ(sum.whole, 3);
  EXPECT_EQ(sum.left, 1);
  EXPECT_EQ(sum.failed, 2);
  EXPECT_EQ(sum.errors.at("http 503"), 2);
  EXPECT_EQ(sum.details.at("http 503"), "busy");
  EXPECT_DOUBLE_EQ(sum.duration_s, 10);
  EXPECT_DOUBLE_EQ(sum.ttft_s.p50, 1);
  EXPECT_DOUBLE_EQ(sum.ttft_s.max, 3);
  EXPECT_DOUBLE_EQ(sum.tpot_s.max, 0.8);
  EXPECT_EQ(sum.gap_s.count, 6u);
  EXPECT_DOUBLE_EQ(sum.output_tok_s, 3.3);
  EXPECT_DOUBLE_EQ(sum.total_tok_s, 33.3);
  EXPECT_EQ(sum.cached_tokens, 96);
  EXPECT_EQ(sum.good, 1);
  EXPECT_DOUBLE_EQ(sum.good_s, 0.1);
  const auto json = base::parse_json(as_json(sum, {})).value().as_object();
  EXPECT_EQ(json.at("errors").at("http 503"), 2);
  EXPECT_EQ(json.at("ttft_s").at("max"), 3.0);
  EXPECT_NE(as_table(sum, {.ttft_s = 2}).find("goodput under TTFT < 2 s: 0.10 answers/s, 16.7 %"),
            std::string::npos);
  EXPECT_NE(as_markdown(sum, {}).find("| TTFT, s | 1.000 |"), std::string::npos);
}

TEST(Target, IsThisMachineAlone) {
  EXPECT_EQ(read_target("http://127.0.0.1:8080")->port, 8080);
  EXPECT_EQ(read_target("http://localhost:1/")->address, 0x7F000001u);
  EXPECT_EQ(read_target("http://127.9.8.7/base//")->prefix, "/base");
  EXPECT_EQ(read_target("http://127.0.0.1")->port, 80);
  EXPECT_TRUE(read_target("http://[::1]:9")->v6);
  EXPECT_EQ(read_target("http://[::1]:9")->port, 9);
  for (const char* bad :
       {"https://127.0.0.1", "127.0.0.1:80", "http://10.0.0.1", "http://example.com",
        "http://127.0.0.1.evil.com", "http://localhost.evil.com", "http://127.0.0.1@evil.com",
        "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:x", "http://",
        "http://127.0.0.1:80 x", "http://127.0.0.1/\r\nX: y", "http://0.0.0.0:1", "http://[::2]:1"})
    EXPECT_FALSE(read_target(bad).ok()) << bad;
}

}  // namespace
}  // namespace handmill::load
