// Names and rates of a request's end. The formulas are the published ones: TTFT covers queue and
// prefill, TPOT the tokens after the first.
#include "engine/engine.h"

namespace handmill::engine {

const char* finish_name(Finish finish) {
  switch (finish) {
    case Finish::kStop: return "stop";
    case Finish::kLength: return "length";
    case Finish::kContext: return "context";
    case Finish::kCancelled: return "cancelled";
    case Finish::kError: return "error";
  }
  return "error";
}

double Timings::pp() const {
  return prefill_s > 0 ? (prompt_tokens - cached_tokens) / prefill_s : 0;
}

double Timings::tpot_s() const {
  return generated_tokens > 1 ? decode_s / (generated_tokens - 1) : 0;
}

double Timings::tg() const {
  const double tpot = tpot_s();
  return tpot > 0 ? 1 / tpot : 0;
}

}  // namespace handmill::engine
