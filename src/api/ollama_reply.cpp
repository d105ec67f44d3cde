#include "api/ollama_reply.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "api/json_writer.h"
#include "api/ollama_time.h"
#include "api/openai_reply.h"

namespace handmill::api::ollama {
namespace {

/// Zero durations and counts are left out, as Ollama does.
void add_duration(JsonWriter& json, std::string_view field, double seconds) {
  constexpr double kMost = 9e9;  // 285 years, near the most nanoseconds that fit
  if (!(seconds > 0)) return;
  const int64_t ns = std::llround(std::min(seconds, kMost) * 1e9);
  if (ns > 0) json.field(field, ns);
}
void add_count(JsonWriter& json, std::string_view field, int count) {
  if (count > 0) json.field(field, count);
}

void add_metrics(JsonWriter& json, const Usage& usage, const Timings& timings) {
  add_duration(json, "total_duration", timings.total_s);
  add_duration(json, "load_duration", timings.load_s);
  add_count(json, "prompt_eval_count", usage.prompt_tokens);
  add_duration(json, "prompt_eval_duration", timings.prefill_s);
  add_count(json, "eval_count", usage.completion_tokens);
  add_duration(json, "eval_duration", timings.decode_s);
}

void add_origin(JsonWriter& json, const Identity& identity) {
  json.field("model", identity.model).field("created_at", rfc3339(identity.created_ns));
}

/// What an answer, or a piece of it, says: a message in a chat, a response otherwise.
void add_text(JsonWriter& json, Route route, std::string_view content, std::string_view thinking) {
  const bool chat = route == Route::kChat;
  if (chat) json.key("message").begin_object().field("role", "assistant");
  json.field(chat ? "content" : "response", content);
  if (!thinking.empty()) json.field("thinking", thinking);
  if (chat) json.end_object();
}

void add_likely(JsonWriter& json, const Likely& likely) {
  json.field("token", likely.bytes);
  json.key("logprob");
  write_logprob(json, likely.logprob);
  json.key("bytes").begin_array();
  for (const char byte : likely.bytes) json.value(static_cast<unsigned char>(byte));
  json.end_array();
}

void add_logprobs(JsonWriter& json, const std::vector<TokenLogprob>& logprobs) {
  if (logprobs.empty()) return;
  json.key("logprobs").begin_array();
  for (const TokenLogprob& each : logprobs) {
    json.begin_object();
    add_likely(json, each.chosen);
    if (!each.top.empty()) {
      json.key("top_logprobs").begin_array();
      for (const Likely& likely : each.top) {
        json.begin_object();
        add_likely(json, likely);
        json.end_object();
      }
      json.end_array();
    }
    json.end_object();
  }
  json.end_array();
}

class LineReply final : public Reply {
 public:
  explicit LineReply(const ReplyOptions& options) : options_(options) {}

  bool streams() const override { return options_.stream; }
  std::string_view content_type() const override {
    return options_.stream ? "application/x-ndjson" : "application/json";
  }

  void begin(const Identity& identity, const Usage&, std::string&) override {
    identity_ = identity;
  }

  void delta(Delta delta, std::string& out) override {
    if (!options_.thinking) delta.reasoning.clear();
    if (!options_.stream) {
      content_ += delta.content;
      thinking_ += delta.reasoning;
      std::move(delta.logprobs.begin(), delta.logprobs.end(), std::back_inserter(logprobs_));
      return;
    }
    if (delta.content.empty() && delta.reasoning.empty() && delta.logprobs.empty()) return;
    JsonWriter json(out);
    json.begin_object();
    add_origin(json, identity_);
    add_text(json, options_.route, delta.content, delta.reasoning);
    json.field("done", false);
    add_logprobs(json, delta.logprobs);
    json.end_object();
    out += '\n';
  }

  void end(ChoiceEnd end, std::string&) override { finish_ = end.finish; }

  void finish(const End& end, std::string& out) override {
    JsonWriter json(out);
    json.begin_object();
    add_origin(json, identity_);
    add_text(json, options_.route, content_, thinking_);
    json.field("done", true).field("done_reason", finish_word(finish_));
    add_metrics(json, end.usage, end.timings);
    add_logprobs(json, logprobs_);
    write_timings(json, end.usage, end.timings);
    json.end_object();
    if (options_.stream) out += '\n';
  }

  void fail(const Fault& fault, std::string& out) override {
    out += error_body(Dialect::kOllama, fault) + '\n';
  }

 private:
  ReplyOptions options_;
  Identity identity_;
  Finish finish_ = Finish::kStop;
  // Of a reply that does not stream:
  std::string content_, thinking_;
  std::vector<TokenLogprob> logprobs_;
};

void add_vector(JsonWriter& json, const std::vector<float>& vector) {
  json.begin_array();
  for (const float x : vector) json.value(x);
  json.end_array();
}

/// A reply without an answer.
std::string bare(Route route, const Identity& identity, std::string_view reason,
                 const Timings& timings) {
  if (route == Route::kEmbeddings) return R"({"embedding":[]})";
  if (route == Route::kEmbed) return embed_reply(identity, {}, {}, timings);
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  add_origin(json, identity);
  add_text(json, route, {}, {});
  json.field("done", true).field("done_reason", reason);
  add_metrics(json, {}, timings);
  json.end_object();
  return out;
}

}  // namespace

std::unique_ptr<Reply> make_reply(const ReplyOptions& options) {
  return std::make_unique<LineReply>(options);
}

std::string preloaded(const Preload& asked, const Identity& identity, const Timings& timings) {
  return bare(asked.route, identity, "load", timings);
}
std::string unloaded(const Unload& asked, const Identity& identity) {
  return bare(asked.route, identity, "unload", {});
}

std::string embed_reply(const Identity& identity, std::span<const std::vector<float>> vectors,
                        const Usage& usage, const Timings& timings) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("model", identity.model).key("embeddings").begin_array();
  for (const std::vector<float>& vector : vectors) add_vector(json, vector);
  json.end_array();
  add_duration(json, "total_duration", timings.total_s);
  add_duration(json, "load_duration", timings.load_s);
  add_count(json, "prompt_eval_count", usage.prompt_tokens);
  json.end_object();
  return out;
}

std::string embeddings_reply(std::span<const std::vector<float>> vectors) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("embedding");
  add_vector(json, vectors.front());
  json.end_object();
  return out;
}

}  // namespace handmill::api::ollama
