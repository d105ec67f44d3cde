// Bytes of a connection, in pieces whose sizes are bytes of the input too: whatever comes, the
// parser ends in a request, a failure, or a wish for more that is bounded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "serve/http_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using handmill::serve::HttpParser;
  static const handmill::serve::Limits kLimits = [] {
    handmill::serve::Limits limits;
    limits.header_bytes = 512;
    limits.body_bytes = 1024;
    return limits;
  }();
  HttpParser parser(kLimits);
  std::string held;
  while (size > 0) {
    const size_t piece = std::min<size_t>(size - 1, data[0] + size_t{1});
    held.append(reinterpret_cast<const char*>(data) + 1, piece);
    data += piece + 1;
    size -= piece + 1;
    std::string_view rest = held;
    while (true) {
      const HttpParser::Step step = parser.put(rest);
      if (step == HttpParser::Step::kFailed) return 0;
      if (step == HttpParser::Step::kMore) break;
      if (step == HttpParser::Step::kDone && parser.take().body.size() > kLimits.body_bytes)
        std::abort();
    }
    if (parser.body_bytes() > kLimits.body_bytes) std::abort();
    held = std::string(rest);
  }
  return 0;
}
