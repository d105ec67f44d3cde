// What a user wants of a request at the least. The line that conversation needs is 10 tokens a
// second: people read no faster, and wait below it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measure/bench_result.h"

namespace handmill::measure {

struct Goal {
  std::optional<double> ttft_s, tpot_s, e2e_s;  // at the most
  std::optional<double> tg_tok_s = 10;          // at the least

  /// "ttft=1s,tg=10"
  std::string name() const;
  /// An answer of one token has no TG and no TPOT that could miss a goal; one without any token
  /// meets none.
  bool is_met(const RequestRecord& request) const;
  /// Of the requests, those that meet it, as a part of 1; 0 of none.
  double share(const std::vector<RequestRecord>& requests) const;
  /// The medians of what was measured meet it.
  bool is_reached(const BenchResult& result) const;
};

/// "ttft=1s,tg=10,tpot=80ms,e2e=1m": times with their unit (ms, s, m), tg in tokens a second. What
/// is not named is not wanted.
Result<Goal> read_goal(std::string_view words);

}  // namespace handmill::measure
