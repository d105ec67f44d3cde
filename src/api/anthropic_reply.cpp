#include "api/anthropic_reply.h"

#include "api/anthropic.h"
#include "api/json_writer.h"
#include "api/openai_reply.h"

namespace handmill::api::anthropic {
namespace {

constexpr std::string_view kPing = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
/// Clients give thinking back only with a signature. Nothing is checked here: whose the history is
/// may write what it likes.
constexpr std::string_view kSignature = "handmill";

std::string_view reason_of(const ChoiceEnd& end) {
  if (end.finish == Finish::kLength || end.finish == Finish::kContext) return "max_tokens";
  return end.stop.empty() ? "end_turn" : "stop_sequence";
}

void add_reason(JsonWriter& json, const ChoiceEnd& end) {
  json.field("stop_reason", reason_of(end)).key("stop_sequence");
  if (end.stop.empty())
    json.value(nullptr);
  else
    json.value(end.stop);
}

/// There, the tokens that came from the cache are not in input_tokens.
void add_usage(JsonWriter& json, const Usage& usage) {
  json.key("usage").begin_object();
  json.field("input_tokens", usage.prompt_tokens - usage.cached_tokens);
  json.field("cache_creation_input_tokens", 0);
  json.field("cache_read_input_tokens", usage.cached_tokens);
  json.field("output_tokens", usage.completion_tokens).end_object();
}

void add_head(JsonWriter& json, const Identity& identity) {
  json.field("id", "msg_" + identity.id).field("type", "message").field("role", "assistant");
  json.field("model", identity.model);
}

class MessageReply final : public Reply {
 public:
  explicit MessageReply(bool thinking) : shows_thinking_(thinking) {}
  bool streams() const override { return false; }
  std::string_view content_type() const override { return "application/json"; }

  void begin(const Identity& identity, const Usage&, std::string&) override {
    identity_ = identity;
  }
  void delta(Delta delta, std::string&) override {
    if (shows_thinking_) thinking_ += delta.reasoning;
    text_ += delta.content;
  }
  void end(ChoiceEnd end, std::string&) override { end_ = std::move(end); }

  void finish(const End& end, std::string& out) override {
    JsonWriter json(out);
    json.begin_object();
    add_head(json, identity_);
    json.key("content").begin_array();
    if (!thinking_.empty()) {
      json.begin_object().field("type", "thinking").field("thinking", thinking_);
      json.field("signature", kSignature).end_object();
    }
    if (!text_.empty() || thinking_.empty())  // clients look at the first block without asking
      json.begin_object().field("type", "text").field("text", text_).end_object();
    json.end_array();
    add_reason(json, end_);
    add_usage(json, end.usage);
    write_timings(json, end.usage, end.timings);
    json.end_object();
  }
  void fail(const Fault&, std::string&) override {}  // nothing was sent: error_body answers

 private:
  bool shows_thinking_;
  Identity identity_;
  std::string thinking_, text_;
  ChoiceEnd end_;
};

class EventReply final : public Reply {
 public:
  explicit EventReply(bool thinking) : shows_thinking_(thinking) {}
  bool streams() const override { return true; }
  std::string_view content_type() const override { return "text/event-stream"; }
  std::string_view ping() const override { return kPing; }

  void begin(const Identity& identity, const Usage& usage, std::string& out) override {
    event(out, "message_start", [&](JsonWriter& json) {
      json.key("message").begin_object();
      add_head(json, identity);
      json.key("content").begin_array().end_array();
      json.field("stop_reason", nullptr).field("stop_sequence", nullptr);
      Usage so_far = usage;
      so_far.completion_tokens = 0;
      add_usage(json, so_far);
      json.end_object();
    });
    out += kPing;
  }

  void delta(Delta delta, std::string& out) override {
    if (shows_thinking_ && !delta.reasoning.empty()) piece(Block::kThinking, delta.reasoning, out);
    if (!delta.content.empty()) piece(Block::kText, delta.content, out);
  }
  void end(ChoiceEnd end, std::string&) override { end_ = std::move(end); }

  void finish(const End& end, std::string& out) override {
    if (block_ == Block::kNone && index_ == 0) start(Block::kText, out);
    stop(out);
    event(out, "message_delta", [&](JsonWriter& json) {
      json.key("delta").begin_object();
      add_reason(json, end_);
      json.end_object();
      add_usage(json, end.usage);
      write_timings(json, end.usage, end.timings);
    });
    event(out, "message_stop", [](JsonWriter&) {});
  }

  void fail(const Fault& fault, std::string& out) override {
    out += "event: error\ndata: " + error_body(Dialect::kAnthropic, fault) + "\n\n";
  }

 private:
  enum class Block { kNone, kThinking, kText };

  /// One event; `fill` adds the fields after its type.
  template <class F>
  void event(std::string& out, std::string_view type, F fill) const {
    out.append("event: ").append(type).append("\ndata: ");
    JsonWriter json(out);
    json.begin_object().field("type", type);
    fill(json);
    json.end_object();
    out += "\n\n";
  }

  void start(Block block, std::string& out) {
    const bool text = block == Block::kText;
    event(out, "content_block_start", [&](JsonWriter& json) {
      json.field("index", index_).key("content_block").begin_object();
      json.field("type", text ? "text" : "thinking").field(text ? "text" : "thinking", "");
      if (!text) json.field("signature", "");
      json.end_object();
    });
    block_ = block;
  }

  void add_delta(std::string& out, std::string_view type, std::string_view field,
                 std::string_view text) const {
    event(out, "content_block_delta", [&](JsonWriter& json) {
      json.field("index", index_).key("delta").begin_object();
      json.field("type", type).field(field, text).end_object();
    });
  }

  void piece(Block block, std::string_view text, std::string& out) {
    if (block_ != block) {
      stop(out);
      start(block, out);
    }
    if (block == Block::kText)
      add_delta(out, "text_delta", "text", text);
    else
      add_delta(out, "thinking_delta", "thinking", text);
  }

  /// Ends the block that is open, if one is.
  void stop(std::string& out) {
    if (block_ == Block::kNone) return;
    if (block_ == Block::kThinking) add_delta(out, "signature_delta", "signature", kSignature);
    event(out, "content_block_stop", [&](JsonWriter& json) { json.field("index", index_); });
    block_ = Block::kNone;
    ++index_;
  }

  bool shows_thinking_;
  Block block_ = Block::kNone;
  int index_ = 0;  // of the block that is open, or comes next
  ChoiceEnd end_;
};

}  // namespace

std::unique_ptr<Reply> make_reply(bool stream, bool thinking) {
  if (stream) return std::make_unique<EventReply>(thinking);
  return std::make_unique<MessageReply>(thinking);
}

std::string count_tokens_reply(int tokens) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("input_tokens", tokens).end_object();
  return out;
}

}  // namespace handmill::api::anthropic
