#include "measure/request_record.h"

namespace handmill::measure {

std::optional<double> RequestRecord::ttft_s() const {
  return piece_s.empty() ? std::nullopt : std::optional(piece_s.front());
}

std::optional<double> RequestRecord::pp_tok_s() const {
  const int computed = prompt_tokens - cached_tokens;
  if (!prefill_s || *prefill_s <= 0 || computed <= 0) return std::nullopt;
  return computed / *prefill_s;
}

std::optional<double> RequestRecord::tpot_s() const {
  if (answer_tokens < 2 || piece_s.size() < 2) return std::nullopt;
  return (piece_s.back() - piece_s.front()) / (answer_tokens - 1);
}

std::optional<double> RequestRecord::tg_tok_s() const {
  const auto each_s = tpot_s();
  return each_s && *each_s > 0 ? std::optional(1 / *each_s) : std::nullopt;
}

std::vector<double> RequestRecord::gaps_s() const {
  std::vector<double> gaps;
  for (size_t i = 1; i < piece_s.size(); ++i) gaps.push_back(piece_s[i] - piece_s[i - 1]);
  return gaps;
}

}  // namespace handmill::measure
