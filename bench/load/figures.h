// From what happened to each request to what is reported.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::load {

/// Times are seconds from the run's begin. A request is counted from its planned arrival: a server
/// that keeps the client from asking gains nothing by it.
struct Outcome {
  enum class Kind { kWhole, kLeft, kFailed };
  Kind kind = Kind::kFailed;
  std::string error = {};   // kind of failure: "http 503", "connection reset"
  std::string detail = {};  // what the server said
  double arrival_s = 0, first_s = 0, last_s = 0, end_s = 0;
  int pieces = 0;  // with text
  int asked_tokens = 0, prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0;
  std::vector<double> gaps_s = {};  // between pieces
};

struct Spread {
  size_t count = 0;
  double mean = 0, p50 = 0, p90 = 0, p95 = 0, p99 = 0, max = 0;
};
/// Percentiles between two values are on the line between them. All 0 of no values.
Spread spread_of(std::vector<double> values);

/// What a request must keep to count as good.
struct Goal {
  std::optional<double> ttft_s = {}, tpot_s = {};
};
/// "ttft<2,tpot<50ms": seconds, or with a unit.
Result<Goal> read_goal(std::string_view words);

struct Summary {
  int requests = 0, whole = 0, left = 0, failed = 0;
  int peak_open = 0;  // answers under way at once
  std::map<std::string, int> errors;
  std::map<std::string, std::string> details;                        // the first of each kind
  double duration_s = 0;                                             // first arrival to last end
  Spread ttft_s, tpot_s, gap_s, whole_s;                             // of whole answers
  long prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;  // of whole answers
  double output_tok_s = 0, total_tok_s = 0, requests_s = 0;
  int good = 0;
  double good_s = 0;  // good requests a second
};
Summary summarize(const std::vector<Outcome>& outcomes, const Goal& goal, int peak_open);

/// The three forms of a report.
std::string as_table(const Summary& summary, const Goal& goal);
std::string as_markdown(const Summary& summary, const Goal& goal);
std::string as_json(const Summary& summary, const Goal& goal);

}  // namespace handmill::load
