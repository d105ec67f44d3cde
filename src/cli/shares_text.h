// How near a run came to the machine's roofs, and what took the rest, as text and as JSON.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "measure/recorder.h"

namespace handmill::cli {

/// For help texts: what is measured of it, and what inferred.
extern const char* const kSharesNote;

std::string_view roof_name(measure::Limit limit);  // "memory", "int8"
/// "71 % of the memory roof"
std::string roof_text(const measure::Shares& shares);
/// "17 % kernels, 8 % cache and attention, 3 % layers"; empty where there is no half per cent.
std::string rest_text(const measure::Shares& shares);
/// "312", "2.2k"
std::string depth_text(int depth);

/// null where nothing is known, {"prefill", "decode", "why_none"} otherwise.
boost::json::value verdict_json(const measure::RunVerdict& verdict);

}  // namespace handmill::cli
