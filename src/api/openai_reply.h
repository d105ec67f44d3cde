// What OpenAI's replies have in common: their head, usage, timings and logprobs, and the two ways
// of sending, as one object or as server-sent events.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"
#include "api/json_writer.h"

namespace handmill::api {

inline constexpr std::string_view kKeepAliveComment = ": keep-alive\n\n";

std::string_view finish_word(Finish finish);
/// {"prompt_tokens": …}, as a value.
void write_usage(JsonWriter& json, const Usage& usage);
/// llama-server's "timings", with queue_ms, load_ms, ttft_ms and, where known, roof.
void write_timings(JsonWriter& json, const Usage& usage, const Timings& timings);
/// A log-probability as a number that JSON has: none below −9999, as OpenAI writes "impossible".
void write_logprob(JsonWriter& json, float logprob);

/// How the pieces of one kind of answer are written.
class Shape {
 public:
  virtual ~Shape() = default;
  virtual std::string_view id_prefix() const = 0;
  virtual std::string_view object_name(bool streams) const = 0;
  /// Whether a stream's choices begin with a chunk of their own.
  virtual bool has_opening() const { return false; }
  virtual void write_opening(JsonWriter&) {}
  /// Fields of a choice beside index and finish_reason: of a piece, or of a stream's end of the
  /// choice (nullptr).
  virtual void write_piece(JsonWriter& json, const Delta* piece) = 0;
  /// The same of the whole answer.
  virtual void write_whole(JsonWriter& json, const Delta& whole, const ChoiceEnd& end) = 0;
};

struct ReplyOptions {
  bool streams = false;
  bool usage = false;  // a stream ends with a chunk of its own for it
  int choices = 1;     // of all prompts
};
std::unique_ptr<Reply> make_openai_reply(std::unique_ptr<Shape> shape, const ReplyOptions& options);

std::unique_ptr<Shape> make_chat_shape(bool logprobs);
/// `top`: likeliest tokens beside each; −1: no logprobs.
std::unique_ptr<Shape> make_text_shape(int top);

}  // namespace handmill::api
