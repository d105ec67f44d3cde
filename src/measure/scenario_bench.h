// Scenarios through the engine, the way that answers go: what happens to each request, as its sink
// saw it. The roofs are measured while nothing is under way, before and after each run.
#pragma once

#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "measure/goal.h"
#include "measure/random_tokens.h"
#include "measure/repeats.h"
#include "measure/scenario.h"

namespace handmill::measure {

class ScenarioBench {
 public:
  /// Empties the prefix cache: from then on it holds what the scenarios put there. The engine must
  /// have room for the largest test, and for as many sequences as the largest batch.
  explicit ScenarioBench(engine::Engine& engine);

  /// Warms up, and measures as often as it takes: a result for each test. Threads and backend are
  /// the engine's; the rest of the results' names are left to the caller.
  Result<std::vector<BenchResult>> measure(const Scenario& scenario, const Repeats& repeats,
                                           const Goal& goal, const OnRepeat& on_repeat);

 private:
  struct Round;
  /// Hands over all prompts, and returns when the last answer has ended.
  Result<Round> ask(const std::vector<Tokens>& prompts, int answer);
  Status ask(const std::vector<Tokens>& prompts, int answer, Round& round);
  /// The deep context is in the prefix cache afterwards.
  Status fill(int depth);
  /// A run: a round for each test.
  Result<std::vector<Round>> run(const Scenario& scenario);

  engine::Engine& engine_;
  RandomTokens tokens_;
  Tokens deep_;  // the context of tests that begin at a depth, so far
};

}  // namespace handmill::measure
