// What a bench measures, and what its repeats say: one test has a few series, each a figure of
// metrics.h with a value for every repeat. Speeds of prefill and decode alone, requests through the
// engine and requests to a server all end in this form, which is what is printed, kept, compared
// and drawn.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure/repeats.h"
#include "measure/request_record.h"

namespace handmill::measure {

/// So many tokens of prompt and answer behind so many that are in the cache, in so many sequences
/// at once.
struct BenchTest {
  std::string scenario;  // "speed": prefill or decode alone; "chat", "document", …
  std::string name;      // "pp512", "tg128", "turn 2": with the numbers below unique in a bench
  int prompt = 0;        // new tokens; 0 in a test of decode alone
  int answer = 0;        // 0 in a test of prefill alone
  int depth = 0;         // tokens before the new ones
  int batch = 1;

  int64_t positions_needed() const;  // of key/value cache
  bool operator==(const BenchTest&) const = default;
};
/// Of prefill or decode alone. "pp512", "tg128".
BenchTest speed_test(bool prefill, int tokens, int depth, int batch);

struct Series {
  std::string metric;
  std::vector<double> runs;  // in order
};

/// What a token asks of the machine, as model::Work counts it; of a whole prefill or decode.
struct WorkPerToken {
  double bytes = 0;
  double kv_bytes = 0;  // of these, keys and values
  double ops = 0;
  double attention_ops = 0;  // of these
};

struct BenchResult {
  BenchTest test;
  int threads = 0;  // 0: unknown, as of a server
  std::string model;
  std::string kv;  // empty: unknown
  std::string backend;
  std::vector<Series> series;
  std::optional<WorkPerToken> work;     // of tests of speed
  std::vector<RequestRecord> requests;  // of scenarios, in order
  double goal_share = 0;                // of these requests, that meet the goal
  uint64_t peak_rss_bytes = 0;          // of this process until then; 0: unknown

  /// Nothing where it was not measured.
  const Series* find(std::string_view metric) const;
  std::optional<double> median(std::string_view metric) const;
  void add(std::string_view metric, std::optional<double> value);  // a run's, where there is one
  int repeats() const;
  /// Of a test of speed: whether the memory's roof is nearer than that of arithmetic.
  bool read_binds() const;
};

/// Adds the requests of one run: its figures are medians over them, its gaps those of all pooled.
void add_run(BenchResult& result, std::vector<RequestRecord> requests);

/// The series by which a test is judged: its speed, or TTFT and TG.
std::vector<const Series*> judged(const BenchResult& result);
/// Whether each of them was repeated enough.
bool is_enough(const BenchResult& result, double seconds, const Repeats& repeats);
/// What is not quiet about it: "chat: TG is known to ±4.1 % after 20 runs". Empty where it is
/// quiet, and where there are too few runs to tell.
std::vector<std::string> noise_of(const BenchResult& result, double tight);
/// "tg128, depth 4096, batch 2"
std::string title_of(const BenchTest& test);

}  // namespace handmill::measure
