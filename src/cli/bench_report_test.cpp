// A bench's figures from samples of round numbers, and its three formats.
#include "cli/bench_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace handmill::cli {
namespace {

using measure::BenchSample;

/// 10 tokens in `seconds`, a token of 0.9 GB of weights and 0.1 GB of keys and values, 3 + 1 GOP.
BenchSample sample(double seconds, double read_gb_s, double int8_gop_s) {
  const uint64_t giga = 1'000'000'000;
  return {10, seconds, {9 * giga, giga, 30 * giga, 10 * giga}, {read_gb_s * 1e9, int8_gop_s * 1e9}};
}

BenchResult result(std::vector<BenchSample> samples) {
  return {{false, 10, 512, 1}, 2,      static_cast<int>(samples.size()),
          std::move(samples),  "a\"b", "f16",
          "cpu, fake"};
}

TEST(BenchReport, TheTableShowsTheNearerRoof) {
  EXPECT_NE(bench_table_row(result({sample(1, 20, 400)})).find("10.0 GB/s      50 % of 20.0\n"),
            std::string::npos);
  EXPECT_NE(bench_table_row(result({sample(1, 20, 50)})).find("40 GOP/s        80 % of 50\n"),
            std::string::npos);
  const std::string head = bench_table_head(result({sample(1, 20, 50)}));
  EXPECT_EQ(head.size() - head.find('\n') - 1, bench_table_row(result({sample(1, 2, 5)})).size());
}

TEST(BenchReport, JsonHasTheRoofsAndWhatIsHeldAgainstThem) {
  const auto rows = boost::json::parse(bench_json({result({sample(1, 20, 400), sample(2, 20, 400)}),
                                                   result({sample(1, 20, 50)})}))
                        .as_array();
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
  EXPECT_EQ(rows[0].at("bound").as_string(), "read");
  EXPECT_EQ(rows[1].at("bound").as_string(), "int8");
}

TEST(BenchReport, CsvHasAValueForEachNameAndQuotesWhatNeedsIt) {
  const std::string text = bench_csv({result({sample(1, 20, 400)})});
  const size_t end = text.find('\n');
  EXPECT_EQ(text.substr(0, end),
            "test,depth,batch,threads,median,low,high,bytes_per_token,ops_per_token,read_bytes_s,"
            "int8_ops_s,of_read_roof,of_int8_roof,bound,kv,model,backend,repeats,version");
  EXPECT_EQ(text.substr(end + 1).find(
                "tg10,512,1,2,10.000,10.000,10.000,1000000000,4000000000,2e+10,4e+11,0.5000,0.1000,"
                "read,f16,\"a\"\"b\",\"cpu, fake\",1,"),
            0u);
}

}  // namespace
}  // namespace handmill::cli
