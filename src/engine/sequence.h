// One request on its way: its tokens, how many of them are in the key/value cache, and what turns
// logits into tokens and tokens into text. Invariant: computed() < length() until it has ended, so
// there is always a token to compute. Serves the scheduler, which moves it, and the engine, which
// commits tokens to it.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/guess.h"
#include "engine/stop.h"
#include "kv/cache.h"
#include "sample/sampler.h"
#include "text/tokenizer.h"

namespace handmill::engine {

class Sequence {
 public:
  /// `vocab` tokens can be sampled. The request is valid.
  Sequence(RequestId id, Request request, Sink sink,
           std::shared_ptr<const text::Tokenizer> tokenizer, int vocab);

  RequestId id() const { return id_; }
  std::span<const text::Token> tokens() const { return tokens_; }  // of the prompt and the answer
  int length() const { return static_cast<int>(tokens_.size()); }
  int computed() const { return computed_; }
  int pending() const { return length() - computed_; }
  bool ended() const { return ended_; }
  bool cancelled() const { return cancelled_; }
  void cancel() { cancelled_ = true; }

  kv::BlockTable table;  // the scheduler's and the cache's
  Guess guess;           // the speculation's

  /// Tokens that the answer can have after its next one.
  int spare(int positions_max) const;

  /// Enters a batch for the first time, or again after it was preempted, with `cached` positions
  /// found in the prefix cache. `positions_max` sizes what grows with the answer, once.
  void start(int cached, int positions_max);
  /// Its blocks are gone; every token will be computed again.
  void preempt() { computed_ = 0; }
  /// `count` more of its tokens are in the cache.
  void advance(int count) { computed_ += count; }

  /// `guess` has a proposal for the next step.
  void count_proposal() { timings_.proposed_tokens += static_cast<int>(guess.proposal.size()); }
  /// Picks the token after the last one from its logits, and tells the sink. `positions_max` is
  /// where the context is full. True where the token is the next of the proposal, and something
  /// follows it: the logits after it are there.
  bool pick(std::span<float> logits, int positions_max);
  /// Ends it where it is, and tells the sink.
  void end(Finish finish, std::string error = {});

 private:
  using Clock = std::chrono::steady_clock;

  std::optional<Finish> commit(text::Token token, int positions_max);
  void finish_event(Finish finish);
  void send();

  const RequestId id_;
  Request request_;
  Sink sink_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::vector<text::Token> tokens_;
  int computed_ = 0;
  bool started_ = false, ended_ = false, cancelled_ = false;
  sample::Sampler sampler_;
  text::Detokenizer detokenizer_;
  StopMatcher stop_;
  Timings timings_;
  Clock::time_point submitted_, scheduled_, first_token_;
  Event event_;  // kept, so that its strings keep their memory
};

}  // namespace handmill::engine
