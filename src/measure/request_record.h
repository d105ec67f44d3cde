// What happened to one request, and the speeds that follow: the only place that defines them. The
// clock only goes forward, and starts when the request is handed over.
#pragma once

#include <optional>
#include <vector>

namespace handmill::measure {

struct RequestRecord {
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of the prompt, found in the prefix cache: nobody computed them
  int answer_tokens = 0;  // all that the model made; reasoning and a last end token are some
  std::optional<double> prefill_s;  // of the new tokens, without waiting; unknown from outside
  /// When each token came or, from outside, each piece of text: a piece can be several tokens.
  /// Speculation makes tokens that come at once.
  std::vector<double> piece_s;
  double end_s = 0;

  /// The first token's time is the prefill's, and so no part of the answer's speed.
  std::optional<double> ttft_s() const;
  std::optional<double> pp_tok_s() const;
  /// (last − first) / (answer tokens − 1): an answer of one token has none.
  std::optional<double> tpot_s() const;
  std::optional<double> tg_tok_s() const;
  std::vector<double> gaps_s() const;  // between pieces
};

}  // namespace handmill::measure
