// Speeds of prefill and decode, measured through the engine itself as a request would meet them.
// Prompts are pseudo-random tokens with a fixed seed, new ones for every repeat, so that the prefix
// cache serves the depth and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace handmill::cli {

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

/// Tokens per second, of all sequences together.
struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};
/// REQUIRES: at least one value.
Spread spread_of(std::vector<double> values);

class Bench {
 public:
  explicit Bench(engine::Engine& engine);

  /// Fills the cache to the test's depth, warms up, and measures `repeats` times.
  Result<std::vector<double>> measure(const BenchTest& test, int repeats);

 private:
  using Tokens = std::vector<text::Token>;

  Tokens random_tokens(int count);
  /// One untimed request for each context: its tokens are in the prefix cache afterwards.
  Status fill(const std::vector<Tokens>& contexts);
  Result<double> prefill_once(const std::vector<Tokens>& contexts, int tokens);
  Result<double> decode_once(const std::vector<Tokens>& contexts, int tokens);
  struct Run;
  Result<Run> run_all(const std::vector<Tokens>& prompts, int max_tokens);

  engine::Engine& engine_;
  Tokens pool_;  // tokens that a prompt may hold: no control tokens
  uint64_t random_ = 0x9E3779B97F4A7C15;
};

}  // namespace handmill::cli
