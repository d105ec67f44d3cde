// The only place where Boost.JSON's own code is compiled; everything else sees its headers.
#include "base/json.h"

#include <boost/json/src.hpp>

#include "base/error.h"

namespace handmill::base {

Result<boost::json::value> parse_json(std::string_view text, size_t max_depth) {
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code code;
  size_t used = parser.write_some(text.data(), text.size(), code);
  if (!code && used < text.size()) code = boost::json::error::extra_data;
  if (!code) parser.finish(code);
  if (code == boost::json::error::too_deep) {
    return limit("JSON depth: more than {} levels, at byte {}", max_depth, used);
  }
  if (code) return invalid("JSON: {} at byte {}", code.message(), used);
  return parser.release();
}

}  // namespace handmill::base
