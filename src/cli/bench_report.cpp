#include "cli/bench_report.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace handmill::cli {
namespace {

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace

std::string bench_json(const std::vector<BenchResult>& results) {
  boost::json::array list;
  for (const BenchResult& r : results) {
    boost::json::object object;
    object["test"] = r.test.name();
    object["depth"] = r.test.depth;
    object["threads"] = r.threads;
    object["tok_s"] = {{"median", r.tok_s.median}, {"low", r.tok_s.low}, {"high", r.tok_s.high}};
    object["batch"] = r.test.batch;
    object["kv"] = r.kv;
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
  std::string out = "test,depth,batch,threads,median,low,high,kv,model,backend,repeats,version\n";
  for (const BenchResult& r : results)
    out += fmt::format("{},{},{},{},{:.3f},{:.3f},{:.3f},{},{},{},{},{}\n", r.test.name(),
                       r.test.depth, r.test.batch, r.threads, r.tok_s.median, r.tok_s.low,
                       r.tok_s.high, r.kv, csv_cell(r.model), csv_cell(r.backend), r.repeats,
                       HANDMILL_VERSION);
  return out;
}

std::string bench_table_head(const BenchResult& first) {
  return fmt::format("{}, kv {}, median and spread of {}\n{:<8}{:>8}{:>7}{:>9}{:>12}{:>22}\n",
                     first.model, first.kv, first.repeats, "test", "depth", "batch", "threads",
                     "tok/s", "low - high");
}

std::string bench_table_row(const BenchResult& r) {
  return fmt::format("{:<8}{:>8}{:>7}{:>9}{:>12.1f}{:>22}\n", r.test.name(), r.test.depth,
                     r.test.batch, r.threads, r.tok_s.median,
                     fmt::format("{:.1f} - {:.1f}", r.tok_s.low, r.tok_s.high));
}

}  // namespace handmill::cli
