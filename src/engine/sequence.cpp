// From logits to an event: sample, end tokens, text, stop strings, limits, in this order.
#include "engine/sequence.h"

#include <algorithm>
#include <limits>

#include "engine/logprobs.h"

namespace handmill::engine {

Sequence::Sequence(RequestId id, Request request, Sink sink,
                   std::shared_ptr<const text::Tokenizer> tokenizer, int vocab, int positions_max)
    : Task(id, std::move(request.prompt),
           {.positions_max = positions_max, .priority = request.priority, .owner = request.owner}),
      request_(std::move(request)),
      sink_(std::move(sink)),
      tokenizer_(std::move(tokenizer)),
      sampler_(request_.sampling, vocab),
      detokenizer_(tokenizer_),
      stop_(std::move(request_.stop)) {
  for (text::Token token : tokens_) sampler_.accept(token);
}

int Sequence::length_max() const {
  const int room = terms_.positions_max + 1 - length();
  return length() + (request_.max_tokens < 0 ? room : std::min(request_.max_tokens, room));
}

int Sequence::spare() const {
  const int room = terms_.positions_max - length();
  if (request_.max_tokens < 0) return room;
  return std::min(room, request_.max_tokens - timings_.generated_tokens - 1);
}

/// After it was preempted the first ones come again, with the same bits.
void Sequence::add_prompt_logits(int position, std::span<const float> logits) {
  const auto next = static_cast<size_t>(position) + 1;
  if (prompt_logprobs_.empty()) {
    prompt_logprobs_.resize(tokens_.size());
    prompt_logprobs_[0].chosen = {tokens_[0], std::numeric_limits<float>::quiet_NaN()};
  }
  if (next == tokens_.size()) return;
  find_logprobs(logits, tokens_[next], std::max(request_.logprobs, 0), prompt_logprobs_[next]);
}

bool Sequence::pick(std::span<float> logits, std::span<const float> raw) {
  return tell(sampler_.sample(logits), raw);
}

bool Sequence::pick_largest(std::span<const sample::Scored> largest) {
  return tell(sampler_.sample_largest(largest), {});
}

bool Sequence::tell(const Result<text::Token>& token, std::span<const float> raw) {
  if (!token.ok()) {
    end(Finish::kError, token.error().message);
    return false;
  }
  event_.token = *token;
  event_.text.clear();
  if (wants_logprobs()) find_logprobs(raw, *token, request_.logprobs, event_.logprob);
  event_.prompt_logprobs = std::move(prompt_logprobs_);
  prompt_logprobs_.clear();
  const auto tried = static_cast<size_t>(guess.accepted);
  const bool foreseen = tried < guess.proposal.size() && guess.proposal[tried] == *token;
  guess.accepted += foreseen ? 1 : 0;
  timings_.accepted_tokens += foreseen ? 1 : 0;
  if (const auto finish = commit(*token)) finish_event(*finish);
  send();
  return foreseen && !ended_;
}

std::optional<Finish> Sequence::commit(text::Token token) {
  const auto now = Clock::now();
  if (timings_.generated_tokens++ == 0) {
    first_token_ = now;
    timings_.ttft_s = seconds(now - submitted_);
    timings_.prefill_s = seconds(now - scheduled_);
    event_.timings = timings_;
  }
  timings_.decode_s = seconds(now - first_token_);
  tokens_.push_back(token);
  sampler_.accept(token);
  if (!request_.ignore_end && tokenizer_->is_end(token)) return Finish::kStop;
  if (stop_.push(detokenizer_.push(token), event_.text)) return Finish::kStop;
  if (timings_.generated_tokens == request_.max_tokens) return Finish::kLength;
  if (length() > terms_.positions_max) return Finish::kContext;
  return std::nullopt;
}

void Sequence::end(Finish finish, std::string error) {
  event_.token = text::kNoToken;
  event_.text.clear();
  event_.logprob = {};
  event_.prompt_logprobs.clear();
  event_.error = std::move(error);
  finish_event(finish);
  send();
}

/// The last event: what was held back of the text, and the sums.
void Sequence::finish_event(Finish finish) {
  if (stop_.found().empty()) {
    stop_.push(detokenizer_.finish(), event_.text);
    if (stop_.found().empty()) stop_.finish(event_.text);
  }
  ended_ = true;
  event_.finish = finish;
  event_.stop = stop_.found();
  event_.timings = timings_;
}

void Sequence::send() {
  event_.id = id_;
  if (sink_) sink_(event_);
}

}  // namespace handmill::engine
