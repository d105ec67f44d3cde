// A bench's results from runs of round numbers, in every printed form.
#include "cli/bench_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "measure/speed_bench.h"

namespace handmill::cli {
namespace {

using measure::BenchRecord;
using measure::BenchResult;
using measure::SpeedSample;

/// 10 tokens in `seconds`, a token of 0.9 GB of weights and 0.1 GB of keys and values, 3 + 1 GOP.
SpeedSample sample(double seconds, double read_gb_s, double int8_gop_s) {
  const uint64_t giga = 1'000'000'000;
  return {10, seconds, {9 * giga, giga, 30 * giga, 10 * giga}, {read_gb_s * 1e9, int8_gop_s * 1e9}};
}

BenchResult speed(const std::vector<SpeedSample>& samples) {
  BenchResult out = result_of(measure::speed_test(false, 10, 512, 1), samples);
  out.threads = 2;
  out.model = "a\"b";
  out.kv = "f16";
  out.backend = "cpu, fake";
  return out;
}

/// Six runs of a chat: TTFT 0.5 s, TG 8 to 13 tok/s with a median of 10.5 beneath 21.
BenchResult chat() {
  BenchResult out;
  out.test = {"chat", "chat", 128, 64, 0, 1};
  out.model = "m|n";
  for (int i = 0; i < 6; ++i) {
    out.add("ttft_s", 0.5);
    out.add("pp_tok_s", 256);
    out.add("tg_tok_s", 8 + i);
    out.add("gap_p50_s", 0.1);
    out.add("gap_p99_s", 0.2);
    out.add("e2e_s", 7);
    out.add("tg_roof_tok_s", 21);
  }
  out.requests.resize(6);
  out.goal_share = 0.5;
  return out;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (size_t from = 0; from < text.size();) {
    const size_t end = text.find('\n', from);
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

TEST(BenchReport, TheTableShowsTheNearerRoof) {
  const BenchRecord record;
  BenchTable table(record, false);
  const auto first = lines(table.lines(speed({sample(1, 20, 400)})));
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[0], "a\"b, kv f16: medians");
  EXPECT_TRUE(first[2].ends_with("10.0 GB/s      50 % of 20.0")) << first[2];
  EXPECT_NE(first[2].find("few runs"), std::string::npos);
  EXPECT_EQ(first[1].size(), first[2].size());
  const auto more = lines(table.lines(speed({sample(1, 20, 50)})));
  ASSERT_EQ(more.size(), 1u);
  EXPECT_TRUE(more[0].ends_with("40 GOP/s        80 % of 50")) << more[0];
}

TEST(BenchReport, RequestsHaveTheirOwnColumns) {
  const BenchRecord record;
  BenchTable table(record, false);
  EXPECT_EQ(lines(table.lines(speed({sample(1, 20, 400)}))).size(), 3u);
  const auto text = lines(table.lines(chat()));
  ASSERT_EQ(text.size(), 4u);  // an empty line between the two
  EXPECT_TRUE(text[2].ends_with("tg=10"));
  for (const char* part : {"500 ms", "256", "10.5", "±23.8 %", "50 %", "100.0/200.0 ms", "7.00 s"})
    EXPECT_NE(text[3].find(part), std::string::npos) << part << " in " << text[3];
  EXPECT_TRUE(text[3].ends_with("reached, 50 %")) << text[3];
}

TEST(BenchReport, MarkdownKeepsItsColumns) {
  const BenchRecord record;
  BenchTable table(record, true);
  const auto text = lines(table.lines(chat()));
  ASSERT_EQ(text.size(), 5u);
  for (size_t i = 2; i < 5; ++i) EXPECT_EQ(std::ranges::count(text[i], '|'), 13) << text[i];
}

TEST(BenchReport, WhatIsNoisyIsSaid) {
  BenchRecord record;
  record.results = {chat()};
  record.environment.noise = measure::Noise{};
  record.environment.noise->refusals = {"7 % stolen"};
  const std::string notes = BenchTable(record, false).notes();
  EXPECT_NE(notes.find("noisy: chat: TG is known to ±23.8 % after 6 runs\n"), std::string::npos);
  EXPECT_EQ(notes.find("TTFT"), std::string::npos);
  EXPECT_NE(notes.find("noisy: the machine was not quiet: 7 % stolen\n"), std::string::npos);
  record.results = {};
  record.environment.noise.reset();
  EXPECT_EQ(BenchTable(record, false).notes(), "");
}

TEST(BenchReport, RowsHaveTheRoofsAndWhatIsHeldAgainstThem) {
  BenchRecord record;
  record.results = {speed({sample(1, 20, 400), sample(2, 20, 400)}), speed({sample(1, 20, 50)})};
  const auto rows = boost::json::parse(bench_rows(record, true)).as_array();
  const auto number = [](const boost::json::value& value, const char* pointer) {
    return value.at_pointer(pointer).to_number<double>();
  };
  EXPECT_DOUBLE_EQ(number(rows[0], "/bytes_per_token"), 1e9);
  EXPECT_DOUBLE_EQ(number(rows[0], "/kv_bytes_per_token"), 1e8);
  EXPECT_DOUBLE_EQ(number(rows[0], "/ops_per_token"), 4e9);
  EXPECT_DOUBLE_EQ(number(rows[0], "/attention_ops_per_token"), 1e9);
  EXPECT_DOUBLE_EQ(number(rows[0], "/roofs/read_bytes_s/median"), 2e10);
  EXPECT_DOUBLE_EQ(number(rows[0], "/roofs/int8_ops_s/high"), 4e11);
  EXPECT_DOUBLE_EQ(number(rows[0], "/of_read_roof/median"), 0.375);
  EXPECT_DOUBLE_EQ(number(rows[0], "/of_int8_roof/low"), 0.05);
  EXPECT_DOUBLE_EQ(number(rows[0], "/tok_s/runs/1"), 5);
  EXPECT_TRUE(rows[0].at_pointer("/tok_s/ci95").is_null());
  EXPECT_EQ(rows[0].at("bound").as_string(), "read");
  EXPECT_EQ(rows[1].at("bound").as_string(), "int8");
  const auto each = lines(bench_rows(record, false));
  ASSERT_EQ(each.size(), 2u);
  EXPECT_EQ(boost::json::parse(each[1]), rows[1]);
}

TEST(BenchReport, CsvHasAValueForEachNameAndQuotesWhatNeedsIt) {
  BenchRecord record;
  record.environment.version = "1";
  record.results = {speed({sample(1, 20, 400)}), chat()};
  const auto text = lines(bench_csv(record));
  ASSERT_EQ(text.size(), 3u);
  EXPECT_TRUE(text[0].starts_with(
      "test,depth,batch,threads,median,low,high,bytes_per_token,ops_per_token,read_bytes_s,"
      "int8_ops_s,of_read_roof,of_int8_roof,bound,kv,model,backend,repeats,version,scenario"));
  EXPECT_TRUE(text[1].starts_with(
      "tg10,512,1,2,10.000,10.000,10.000,1000000000,4000000000,2e+10,4e+11,0.5000,0.1000,"
      "read,f16,\"a\"\"b\",\"cpu, fake\",1,1,speed,0,10,"))
      << text[1];
  // One cell of the first line has a comma in it.
  EXPECT_EQ(std::ranges::count(text[0], ',') + 1, std::ranges::count(text[1], ','));
  EXPECT_EQ(std::ranges::count(text[0], ','), std::ranges::count(text[2], ','));
}

}  // namespace
}  // namespace handmill::cli
