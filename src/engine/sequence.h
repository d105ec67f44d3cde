// A prompt on its way to an answer: what turns logits into tokens and tokens into text. Serves the
// engine, which commits tokens to it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/guess.h"
#include "engine/stop.h"
#include "engine/task.h"
#include "sample/sampler.h"
#include "text/tokenizer.h"

namespace handmill::engine {

class Sequence final : public Task {
 public:
  /// `vocab` tokens can be sampled, and it may take `positions_max` positions. The request is
  /// valid.
  Sequence(RequestId id, Request request, Sink sink,
           std::shared_ptr<const text::Tokenizer> tokenizer, int vocab, int positions_max);

  Sequence* sequence() override { return this; }
  bool reuses() const override { return !wants_prompt_logprobs(); }
  void end(Finish finish, std::string error = {}) override;

  Guess guess;  // the speculation's

  /// Tokens that the answer can have after its next one.
  int spare() const;
  bool wants_logprobs() const { return request_.logprobs >= 0; }
  /// Those of the prompt, which are told with the first token.
  bool wants_prompt_logprobs() const {
    return request_.prompt_logprobs && timings_.generated_tokens == 0;
  }

  /// How many of the largest logits of a row decide what is picked and told; 0: all of them may.
  int largest_needed() const { return wants_logprobs() ? 0 : sampler_.largest_needed(); }

  /// `guess` has a proposal for the next step.
  void count_proposal() { timings_.proposed_tokens += static_cast<int>(guess.proposal.size()); }
  /// The logits after `position` of the prompt.
  void add_prompt_logits(int position, std::span<const float> logits);
  /// Picks the token after the last one from its logits, and tells the sink. `raw` are the same
  /// logits where wants_logprobs(): those that are picked from are scratch. True where the token is
  /// the next of the proposal, and something follows it: the logits after it are there.
  bool pick(std::span<float> logits, std::span<const float> raw);
  /// The same, from the largest_needed() largest logits, as the sampler takes them.
  bool pick_largest(std::span<const sample::Scored> largest);

 private:
  int length_max() const override;
  bool tell(const Result<text::Token>& token, std::span<const float> raw);
  std::optional<Finish> commit(text::Token token);
  void finish_event(Finish finish);
  void send();

  Request request_;
  Sink sink_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  sample::Sampler sampler_;
  text::Detokenizer detokenizer_;
  StopMatcher stop_;
  Clock::time_point first_token_;
  std::vector<TokenLogprob> prompt_logprobs_;
  Event event_;  // kept, so that its strings keep their memory
};

}  // namespace handmill::engine
