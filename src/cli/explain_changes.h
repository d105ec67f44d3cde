// What would change a model's speed, as `explain` tells it: other hardware, another cache, and
// layers on the processor where a machine's memory is too small for the model.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "measure/changes.h"

namespace handmill::cli {

/// Some layers on the machine that was named, the rest on this one's processor.
struct SplitChoice {
  int layers = 0;  // of those on the named machine
  int all = 0;
  std::string rest;  // the name of the machine that has the rest
  double decode_tok_s = 0;
};

struct Changes {
  int depth = 0, prompt = 0;
  std::vector<measure::Change> all;  // the first is what is
  std::optional<SplitChoice> split;  // where the model does not fit
};

/// `context` positions are to fit. `here` is this machine, if it was measured and is another.
Result<Changes> find_changes(const measure::Shape& shape, const measure::Machine& machine,
                             const measure::Machine* here, const measure::Conditions& conditions,
                             int context);

std::string changes_text(const Changes& changes);
boost::json::object changes_json(const Changes& changes);

}  // namespace handmill::cli
