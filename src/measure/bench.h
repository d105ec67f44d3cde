// Speeds of prefill and decode, measured through the engine itself as a request would meet them.
// Prompts are pseudo-random tokens with a fixed seed, new ones for every repeat, so that the prefix
// cache serves the depth and nothing else. Every speed is held against the machine's roofs of its
// own time: they are measured before, after, and now and then between two steps, where the clock
// stands.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace handmill::measure {

/// One line of a bench: so many tokens of prefill or decode, behind so many cached ones, in so many
/// sequences at once.
struct BenchTest {
  bool prefill = true;
  int tokens = 0;
  int depth = 0;
  int batch = 1;

  std::string name() const;          // "pp512", "tg128"
  int64_t positions_needed() const;  // of key/value cache
};

/// One repeat: what was done in how long, and what the machine could do at that time.
struct BenchSample {
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

class Bench {
 public:
  explicit Bench(engine::Engine& engine);

  /// Fills the cache to the test's depth, warms up, and measures `repeats` times.
  Result<std::vector<BenchSample>> measure(const BenchTest& test, int repeats);

 private:
  using Tokens = std::vector<text::Token>;

  Tokens random_tokens(int count);
  /// One untimed request for each context: its tokens are in the prefix cache afterwards.
  Status fill(const std::vector<Tokens>& contexts);
  Result<BenchSample> prefill_once(const std::vector<Tokens>& contexts, int tokens);
  Result<BenchSample> decode_once(const std::vector<Tokens>& contexts, int tokens);
  enum class Timed { kNothing, kPrefill, kDecode };
  struct Run;
  /// All requests to their ends. What is timed are whole steps: those of the prefill until every
  /// sequence has begun, or those of the decode from there until the first has ended.
  Result<Run> run_all(const std::vector<Tokens>& prompts, int max_tokens, Timed timed);
  Status submit_all(const std::vector<Tokens>& prompts, int max_tokens, Run& run);
  Status drain(Run& run, Timed timed);

  engine::Engine& engine_;
  Tokens pool_;  // tokens that a prompt may hold: no control tokens
  uint64_t random_ = 0x9E3779B97F4A7C15;
};

}  // namespace handmill::measure
