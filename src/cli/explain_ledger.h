// How past predictions came out, for `explain --ledger`.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "base/result.h"
#include "measure/correction.h"

namespace handmill::cli {

/// The pairs that correct predictions for a machine; none without a ledger. One that cannot be read
/// is a warning in the log.
std::vector<measure::Pair> past_of(const measure::Machine& machine);

struct LedgerAccount {
  std::string path;
  std::string text;  // for a person
  boost::json::object json;
};
/// Of one model by its name, or of all with an empty one. No ledger is kNotFound.
Result<LedgerAccount> ledger_account(const std::string& model);

}  // namespace handmill::cli
