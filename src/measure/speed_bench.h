// Speeds of prefill and decode, measured through the engine itself as a request would meet them.
// Prompts are pseudo-random tokens with a fixed seed, new ones for every repeat, so that the prefix
// cache serves the depth and nothing else. Every speed is held against the machine's roofs of its
// own time: they are measured before, after, and now and then between two steps, where the clock
// stands.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "measure/bench_result.h"
#include "measure/random_tokens.h"
#include "measure/repeats.h"

namespace handmill::measure {

/// One repeat: what was done in how long, and what the machine could do at that time.
struct SpeedSample {
  int64_t tokens = 0;  // of all sequences together
  double seconds = 0;
  model::Work work;
  backend::Roofs roofs;  // means over the time

  double tok_s() const { return static_cast<double>(tokens) / seconds; }
  double read_bytes_s() const { return static_cast<double>(work.bytes()) / seconds; }
  double int8_ops_s() const { return static_cast<double>(work.ops()) / seconds; }
  double of_read_roof() const { return read_bytes_s() / roofs.read_bytes_s; }
  double of_int8_roof() const { return int8_ops_s() / roofs.int8_ops_s; }
};

/// The repeats of a test as its result: tok_s, the roofs, and the parts of these.
/// REQUIRES: at least one sample.
BenchResult result_of(const BenchTest& test, const std::vector<SpeedSample>& samples);

class SpeedBench {
 public:
  explicit SpeedBench(engine::Engine& engine);

  /// Fills the cache to the test's depth, warms up, and measures as often as it takes. Threads and
  /// backend are the engine's; the rest of the result's names are left to the caller.
  Result<BenchResult> measure(const BenchTest& test, const Repeats& repeats,
                              const OnRepeat& on_repeat);

 private:
  /// One untimed request for each context: its tokens are in the prefix cache afterwards.
  Status fill(const std::vector<Tokens>& contexts);
  Result<SpeedSample> prefill_once(const std::vector<Tokens>& contexts, int tokens);
  Result<SpeedSample> decode_once(const std::vector<Tokens>& contexts, int tokens);
  enum class Timed { kNothing, kPrefill, kDecode };
  struct Run;
  /// All requests to their ends. What is timed are whole steps: those of the prefill until every
  /// sequence has begun, or those of the decode from there until the first has ended.
  Result<Run> run_all(const std::vector<Tokens>& prompts, int max_tokens, Timed timed);
  Status submit_all(const std::vector<Tokens>& prompts, int max_tokens, Run& run);
  Status drain(Run& run, Timed timed);

  engine::Engine& engine_;
  RandomTokens tokens_;
};

}  // namespace handmill::measure
