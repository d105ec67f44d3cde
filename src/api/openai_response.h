// A reply of /v1/responses, and what of the request it says again.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>

#include "api/dialect.h"

namespace handmill::api {

struct ResponseEcho {
  std::optional<std::string> instructions;
  boost::json::object metadata;
  std::string effort;
  int max_output_tokens = -1;
  float temperature = 0;
  float top_p = 0;
  bool truncates = false;
};
std::unique_ptr<Reply> make_response_reply(ResponseEcho echo, bool streams);

}  // namespace handmill::api
