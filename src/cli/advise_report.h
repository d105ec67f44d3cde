// What `advise` tells, as text and as JSON.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "cli/catalogue_file.h"
#include "measure/advise.h"

namespace handmill::cli {

struct AdviceGiven {
  const UsedCatalogue* used = nullptr;
  measure::Machine machine;
  std::string on;    // as the user named another machine; empty: this one
  std::string note;  // of a machine that is elsewhere
  bool commercial_only = false;
  std::vector<measure::Advice> advice;
};

std::string advice_text(const AdviceGiven& given);
boost::json::object advice_json(const AdviceGiven& given);

}  // namespace handmill::cli
