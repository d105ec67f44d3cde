// A whole bench as one JSON document: what was measured, where and with what, and the definition of
// every figure. It is written by `handmill bench --json` and read back to be compared and drawn. In
// memory it is small: a read record has no single requests.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measure/bench_result.h"
#include "measure/environment.h"
#include "measure/goal.h"

namespace handmill::measure {

struct BenchRecord {
  Environment environment;
  double tight = 0.02;  // see Repeats
  Goal goal;
  std::vector<BenchResult> results;
};

/// One result; with `requests`, each of its requests too.
boost::json::object to_json(const BenchResult& result, const BenchRecord& record, bool requests);
/// The document, a line for each result: it can be compared and searched.
std::string record_json(const BenchRecord& record);

/// Of text from anywhere: what is missing, of a wrong type, not finite or beyond a bound is
/// kInvalid, and the message names the place. Unknown fields are passed over.
Result<BenchRecord> record_from_json(std::string_view text);

}  // namespace handmill::measure
