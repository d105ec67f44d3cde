#include "api/openai_reply.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <iterator>

namespace handmill::api {
namespace {

class Common : public Reply {
 public:
  Common(std::unique_ptr<Shape> shape, const ReplyOptions& options)
      : shape_(std::move(shape)), options_(options) {}

 protected:
  void keep(const Identity& identity) { identity_ = identity; }
  void write_head(JsonWriter& json) const {
    json.field("id", std::string(shape_->id_prefix()) + identity_.id);
    json.field("object", shape_->object_name(options_.streams));
    json.field("created", identity_.created_ns / 1'000'000'000).field("model", identity_.model);
    json.field("system_fingerprint", "handmill-" + identity_.version);
  }

  std::unique_ptr<Shape> shape_;
  ReplyOptions options_;

 private:
  Identity identity_;
};

/// Chunks as they come. The last choice's end waits for finish(), so that it can carry timings
/// where no chunk with the usage follows.
class Stream : public Common {
 public:
  using Common::Common;
  bool streams() const override { return true; }
  std::string_view content_type() const override { return "text/event-stream"; }
  std::string_view ping() const override { return kKeepAliveComment; }

  void begin(const Identity& identity, const Usage&, std::string& out) override {
    keep(identity);
    if (!shape_->has_opening()) return;
    for (int choice = 0; choice < options_.choices; ++choice)
      write_chunk(out, choice, nullptr, [&](JsonWriter& json) { shape_->write_opening(json); });
  }

  void delta(Delta delta, std::string& out) override {
    write_chunk(out, delta.choice, nullptr,
                [&](JsonWriter& json) { shape_->write_piece(json, &delta); });
  }

  void end(ChoiceEnd end, std::string& out) override {
    if (++ended_ == options_.choices)
      last_ = std::move(end);
    else
      write_end(out, end, nullptr);
  }

  void finish(const End& end, std::string& out) override {
    if (ended_ > 0) write_end(out, last_, options_.usage ? nullptr : &end);
    if (options_.usage) {
      out += "data: ";
      JsonWriter json(out);
      json.begin_object();
      write_head(json);
      json.key("choices").begin_array().end_array();
      json.key("usage");
      write_usage(json, end.usage);
      write_timings(json, end.usage, end.timings);
      json.end_object();
      out += "\n\n";
    }
    out += "data: [DONE]\n\n";
  }

  void fail(const Fault& fault, std::string& out) override {
    out += "data: " + error_body(Dialect::kOpenAI, fault) + "\n\n";
  }

 private:
  template <class Write>
  void write_chunk(std::string& out, int choice, const Finish* finish, Write write,
                   const End* end = nullptr) {
    out += "data: ";
    JsonWriter json(out);
    json.begin_object();
    write_head(json);
    json.key("choices").begin_array().begin_object().field("index", choice);
    write(json);
    if (finish)
      json.field("finish_reason", finish_word(*finish));
    else
      json.field("finish_reason", nullptr);
    json.end_object().end_array();
    if (options_.usage) json.field("usage", nullptr);
    if (end) write_timings(json, end->usage, end->timings);
    json.end_object();
    out += "\n\n";
  }

  void write_end(std::string& out, const ChoiceEnd& choice, const End* end) {
    write_chunk(
        out, choice.choice, &choice.finish,
        [&](JsonWriter& json) { shape_->write_piece(json, nullptr); }, end);
  }

  int ended_ = 0;
  ChoiceEnd last_;
};

/// One object at the end.
class Whole : public Common {
 public:
  Whole(std::unique_ptr<Shape> shape, const ReplyOptions& options)
      : Common(std::move(shape), options),
        texts_(static_cast<size_t>(options.choices)),
        ends_(static_cast<size_t>(options.choices)) {}
  bool streams() const override { return false; }
  std::string_view content_type() const override { return "application/json"; }

  void begin(const Identity& identity, const Usage&, std::string&) override { keep(identity); }

  void delta(Delta delta, std::string&) override {
    assert(delta.choice >= 0 && delta.choice < options_.choices);
    Delta& text = texts_[static_cast<size_t>(delta.choice)];
    text.content += delta.content;
    text.reasoning += delta.reasoning;
    std::move(delta.logprobs.begin(), delta.logprobs.end(), std::back_inserter(text.logprobs));
  }

  void end(ChoiceEnd end, std::string&) override {
    assert(end.choice >= 0 && end.choice < options_.choices);
    ends_[static_cast<size_t>(end.choice)] = std::move(end);
  }

  void finish(const End& end, std::string& out) override {
    JsonWriter json(out);
    json.begin_object();
    write_head(json);
    json.key("choices").begin_array();
    for (size_t choice = 0; choice < texts_.size(); ++choice) {
      json.begin_object().field("index", choice);
      shape_->write_whole(json, texts_[choice], ends_[choice]);
      json.field("finish_reason", finish_word(ends_[choice].finish)).end_object();
    }
    json.end_array().key("usage");
    write_usage(json, end.usage);
    write_timings(json, end.usage, end.timings);
    json.end_object();
  }

  void fail(const Fault& fault, std::string& out) override {
    out = error_body(Dialect::kOpenAI, fault);
  }

 private:
  std::vector<Delta> texts_;
  std::vector<ChoiceEnd> ends_;
};

void write_roofs(JsonWriter& json, const Roofs& roofs) {
  if (!roofs.prefill && !roofs.decode) return;
  json.key("roof").begin_object();
  const auto write = [&json](std::string_view phase, const std::optional<RoofShares>& shares) {
    if (!shares) return;
    json.key(phase).begin_object().field("limit", shares->limit);
    json.field("of_roof", shares->of_roof).field("kernels", shares->kernels);
    json.field("attention", shares->attention).field("layers", shares->layers);
    json.field("other", shares->other).end_object();
  };
  write("prefill", roofs.prefill);
  write("decode", roofs.decode);
  json.end_object();
}

double rate(double count, double seconds) { return seconds > 0 ? count / seconds : 0; }

}  // namespace

std::string_view finish_word(Finish finish) {
  switch (finish) {
    case Finish::kStop:
    case Finish::kCancelled: return "stop";
    case Finish::kLength:
    case Finish::kContext: return "length";
    case Finish::kError: break;
  }
  return "error";
}

void write_usage(JsonWriter& json, const Usage& usage) {
  json.begin_object().field("prompt_tokens", usage.prompt_tokens);
  json.field("completion_tokens", usage.completion_tokens);
  json.field("total_tokens", int64_t{usage.prompt_tokens} + usage.completion_tokens);
  json.key("prompt_tokens_details").begin_object();
  json.field("cached_tokens", usage.cached_tokens).end_object();
  json.key("completion_tokens_details").begin_object();
  json.field("reasoning_tokens", usage.reasoning_tokens).end_object().end_object();
}

void write_timings(JsonWriter& json, const Usage& usage, const Timings& timings) {
  const double read = std::max(0, usage.prompt_tokens - usage.cached_tokens);
  // From the first token to the last lies one step fewer than there are tokens.
  const double steps = std::max(0, usage.completion_tokens - 1);
  json.key("timings").begin_object();
  json.field("cache_n", usage.cached_tokens).field("prompt_n", static_cast<int64_t>(read));
  json.field("prompt_ms", timings.prefill_s * 1e3);
  json.field("prompt_per_token_ms", read > 0 ? timings.prefill_s * 1e3 / read : 0);
  json.field("prompt_per_second", rate(read, timings.prefill_s));
  json.field("predicted_n", usage.completion_tokens);
  json.field("predicted_ms", timings.decode_s * 1e3);
  json.field("predicted_per_token_ms", steps > 0 ? timings.decode_s * 1e3 / steps : 0);
  json.field("predicted_per_second", rate(steps, timings.decode_s));
  json.field("queue_ms", timings.queue_s * 1e3).field("load_ms", timings.load_s * 1e3);
  json.field("ttft_ms", timings.ttft_s * 1e3);
  write_roofs(json, timings.roofs);
  json.end_object();
}

void write_logprob(JsonWriter& json, float logprob) {
  if (std::isnan(logprob))
    json.value(nullptr);
  else
    json.value(std::clamp(logprob, -9999.0f, 0.0f));
}

std::unique_ptr<Reply> make_openai_reply(std::unique_ptr<Shape> shape,
                                         const ReplyOptions& options) {
  if (options.streams) return std::make_unique<Stream>(std::move(shape), options);
  return std::make_unique<Whole>(std::move(shape), options);
}

}  // namespace handmill::api
