// From logits to an event: sample, end tokens, text, stop strings, limits, in this order.
#include "engine/sequence.h"

#include <algorithm>

namespace handmill::engine {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Sequence::Sequence(RequestId id, Request request, Sink sink,
                   std::shared_ptr<const text::Tokenizer> tokenizer, int vocab)
    : id_(id),
      request_(std::move(request)),
      sink_(std::move(sink)),
      tokenizer_(std::move(tokenizer)),
      tokens_(std::move(request_.prompt)),
      sampler_(request_.sampling, vocab),
      detokenizer_(tokenizer_),
      stop_(std::move(request_.stop)),
      submitted_(Clock::now()) {
  timings_.prompt_tokens = length();
  for (text::Token token : tokens_) sampler_.accept(token);
}

void Sequence::start(int cached, int positions_max) {
  computed_ = cached;
  if (started_) return;
  started_ = true;
  scheduled_ = Clock::now();
  timings_.queue_s = seconds(scheduled_ - submitted_);
  timings_.cached_tokens = cached;
  const int room = positions_max + 1 - length();
  const int answer = request_.max_tokens < 0 ? room : std::min(request_.max_tokens, room);
  tokens_.reserve(tokens_.size() + static_cast<size_t>(answer));
  table.reserve(static_cast<size_t>(kv::blocks_for(length() + answer)));
}

int Sequence::spare(int positions_max) const {
  const int room = positions_max - length();
  if (request_.max_tokens < 0) return room;
  return std::min(room, request_.max_tokens - timings_.generated_tokens - 1);
}

bool Sequence::pick(std::span<float> logits, int positions_max) {
  Result<text::Token> token = sampler_.sample(logits);
  if (!token.ok()) {
    end(Finish::kError, token.error().message);
    return false;
  }
  event_.token = *token;
  event_.text.clear();
  const auto tried = static_cast<size_t>(guess.accepted);
  const bool foreseen = tried < guess.proposal.size() && guess.proposal[tried] == *token;
  guess.accepted += foreseen ? 1 : 0;
  timings_.accepted_tokens += foreseen ? 1 : 0;
  if (const auto finish = commit(*token, positions_max)) finish_event(*finish);
  send();
  return foreseen && !ended_;
}

std::optional<Finish> Sequence::commit(text::Token token, int positions_max) {
  const auto now = Clock::now();
  if (timings_.generated_tokens++ == 0) {
    first_token_ = now;
    timings_.ttft_s = seconds(now - submitted_);
    timings_.prefill_s = seconds(now - scheduled_);
  }
  timings_.decode_s = seconds(now - first_token_);
  tokens_.push_back(token);
  sampler_.accept(token);
  if (!request_.ignore_end && tokenizer_->is_end(token)) return Finish::kStop;
  if (stop_.push(detokenizer_.push(token), event_.text)) return Finish::kStop;
  if (timings_.generated_tokens == request_.max_tokens) return Finish::kLength;
  if (length() > positions_max) return Finish::kContext;
  return std::nullopt;
}

void Sequence::end(Finish finish, std::string error) {
  event_.token = text::kNoToken;
  event_.text.clear();
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
