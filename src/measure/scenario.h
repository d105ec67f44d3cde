// What a model is used for, as tests: a question, a long document, a conversation whose earlier
// turns are in the cache, ever deeper contexts, and many at once. Prompts are random tokens, so
// that only their lengths count; answers are greedy, and go on past an end token to their full
// length.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measure/bench_result.h"

namespace handmill::measure {

/// Tests that share their runs: mostly one; of a conversation a test for each turn, where each
/// finds the former in the prefix cache.
using Scenario = std::vector<BenchTest>;

struct ScenarioKind {
  std::string_view name;
  std::string_view what;
};
std::span<const ScenarioKind> scenario_kinds();

/// Of the kinds named, what fits into `context` positions for each sequence. An unknown name, one
/// twice, and a kind of which nothing fits are errors.
Result<std::vector<Scenario>> make_scenarios(const std::vector<std::string>& names, int context);

}  // namespace handmill::measure
