// Scenarios against a server that speaks OpenAI's chat completions, as a client meets them:
// streamed, with the counts that the server gives. A piece of the stream can be several tokens, so
// what lies between pieces is no time per token; and how long a prefill took is not to be seen from
// outside.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "measure/goal.h"
#include "measure/repeats.h"
#include "measure/scenario.h"

namespace handmill::cli {

struct Server {
  std::string url;    // up to the version: "http://127.0.0.1:11435/v1"
  std::string model;  // as the server calls it
  std::string key;    // sent to its origin alone; empty: none
};

/// The server's only model, or the first that it lists.
Result<std::string> first_model(const Server& server);

class ServerBench {
 public:
  explicit ServerBench(Server server) : server_(std::move(server)) {}

  /// Warms up, and measures as often as it takes: a result for each test. Prompts are words, about
  /// one token each, new ones every time.
  Result<std::vector<measure::BenchResult>> measure(const measure::Scenario& scenario,
                                                    const measure::Repeats& repeats,
                                                    const measure::Goal& goal,
                                                    const measure::OnRepeat& on_repeat);

 private:
  using Records = std::vector<measure::RequestRecord>;
  /// A run: the requests of each test.
  Result<std::vector<Records>> run(const measure::Scenario& scenario);
  std::string words(int count);

  Server server_;
  uint64_t random_ = 0x9e3779b97f4a7c15;
};

}  // namespace handmill::cli
