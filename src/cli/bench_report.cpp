#include "cli/bench_report.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace handmill::cli {
namespace {

using measure::BenchSample;
using measure::Spread;

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

boost::json::object json_of(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

}  // namespace

const char* const kBenchFigures =
    "Every repeat is held against two roofs of this machine, measured in the same process before\n"
    "and after it and every half second between: how many bytes a second all threads read from\n"
    "memory, and how many int8 operations a second they do in registers, with the instruction set\n"
    "in use (a multiply-add is two operations). A percentage is the median of the repeats' own\n"
    "ratios. The table shows the roof that is nearer. In JSON and CSV:\n"
    "  bytes_per_token  what a step must read, over its tokens: every weight once, as the file "
    "has\n"
    "      it (of the embedding a row for each token), and the keys and values of every position\n"
    "      that is seen; kv_bytes_per_token is the latter part\n"
    "  ops_per_token  int8 multiply-adds of all products with weights, and those of attention, as\n"
    "      two operations each; attention_ops_per_token is the latter part\n"
    "  roofs  read_bytes_s, int8_ops_s: the roofs during the repeats\n"
    "  of_read_roof, of_int8_roof  bytes and operations per second, as parts of 1 of the roofs\n"
    "  bound  \"read\" or \"int8\": the roof that is nearer";

std::string bench_json(const std::vector<BenchResult>& results) {
  boost::json::array list;
  for (const BenchResult& r : results) {
    const model::Work work = r.work();
    boost::json::object object;
    object["test"] = r.test.name();
    object["depth"] = r.test.depth;
    object["threads"] = r.threads;
    object["tok_s"] = json_of(r.spread(&BenchSample::tok_s));
    object["batch"] = r.test.batch;
    object["kv"] = r.kv;
    object["bytes_per_token"] = r.per_token(work.bytes());
    object["kv_bytes_per_token"] = r.per_token(work.kv_bytes);
    object["ops_per_token"] = r.per_token(work.ops());
    object["attention_ops_per_token"] = r.per_token(work.attention_ops);
    object["roofs"] = {{"read_bytes_s", json_of(r.read_roof())},
                       {"int8_ops_s", json_of(r.int8_roof())}};
    object["of_read_roof"] = json_of(r.spread(&BenchSample::of_read_roof));
    object["of_int8_roof"] = json_of(r.spread(&BenchSample::of_int8_roof));
    object["bound"] = r.read_binds() ? "read" : "int8";
    object["model"] = r.model;
    object["backend"] = r.backend;
    object["repeats"] = r.repeats;
    object["version"] = HANDMILL_VERSION;
    list.push_back(std::move(object));
  }
  // A line for each result: the file can be compared and searched.
  std::string out = "[";
  for (size_t i = 0; i < list.size(); ++i)
    out += (i > 0 ? ",\n " : "") + boost::json::serialize(list[i]);
  return out + "]\n";
}

std::string bench_csv(const std::vector<BenchResult>& results) {
  std::string out =
      "test,depth,batch,threads,median,low,high,bytes_per_token,ops_per_token,"
      "read_bytes_s,int8_ops_s,of_read_roof,of_int8_roof,bound,"
      "kv,model,backend,repeats,version\n";
  for (const BenchResult& r : results) {
    const Spread tok_s = r.spread(&BenchSample::tok_s);
    const model::Work work = r.work();
    out += fmt::format(
        "{},{},{},{},{:.3f},{:.3f},{:.3f},{:.0f},{:.0f},{:.5g},{:.5g},{:.4f},{:.4f},"
        "{},{},{},{},{},{}\n",
        r.test.name(), r.test.depth, r.test.batch, r.threads, tok_s.median, tok_s.low, tok_s.high,
        r.per_token(work.bytes()), r.per_token(work.ops()), r.read_roof().median,
        r.int8_roof().median, r.spread(&BenchSample::of_read_roof).median,
        r.spread(&BenchSample::of_int8_roof).median, r.read_binds() ? "read" : "int8", r.kv,
        csv_cell(r.model), csv_cell(r.backend), r.repeats, HANDMILL_VERSION);
  }
  return out;
}

std::string bench_table_head(const BenchResult& first) {
  return fmt::format(
      "{}, kv {}, median and spread of {}\n{:<8}{:>8}{:>7}{:>9}{:>11}{:>20}{:>12}{:>18}\n",
      first.model, first.kv, first.repeats, "test", "depth", "batch", "threads", "tok/s",
      "low - high", "that is", "of the roof");
}

std::string bench_table_row(const BenchResult& r) {
  const Spread tok_s = r.spread(&BenchSample::tok_s);
  std::string rate, part;
  if (r.read_binds()) {
    rate = fmt::format("{:.1f} GB/s", r.spread(&BenchSample::read_bytes_s).median / 1e9);
    part = fmt::format("{:.0f} % of {:.1f}", 100 * r.spread(&BenchSample::of_read_roof).median,
                       r.read_roof().median / 1e9);
  } else {
    rate = fmt::format("{:.0f} GOP/s", r.spread(&BenchSample::int8_ops_s).median / 1e9);
    part = fmt::format("{:.0f} % of {:.0f}", 100 * r.spread(&BenchSample::of_int8_roof).median,
                       r.int8_roof().median / 1e9);
  }
  return fmt::format("{:<8}{:>8}{:>7}{:>9}{:>11.1f}{:>20}{:>12}{:>18}\n", r.test.name(),
                     r.test.depth, r.test.batch, r.threads, tok_s.median,
                     fmt::format("{:.1f} - {:.1f}", tok_s.low, tok_s.high), rate, part);
}

}  // namespace handmill::cli
