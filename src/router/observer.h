// Who holds requests against what was predicted of them: told of each before it runs, and after.
// The router knows neither machines nor predictions; it only asks.
#pragma once

#include <cstdint>
#include <string_view>

#include "api/event.h"
#include "engine/engine.h"

namespace handmill::router {

/// Called on the models' threads, several at once: quick, and nothing is thrown.
class Observer {
 public:
  virtual ~Observer() = default;
  using Run = uint64_t;

  /// A sequence with so many tokens goes to the engine of `model` (its API name). 0: it is not
  /// followed, and its end is not told.
  virtual Run begun(std::string_view model, int prompt_tokens) = 0;
  /// Once for each run; of one that never ended the timings are empty.
  virtual api::Roofs ended(Run run, const engine::Timings& timings) = 0;
};

}  // namespace handmill::router
