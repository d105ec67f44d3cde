// A response is a list of items, thoughts and messages, each with one part of text. As a stream it
// is told by events with a running number, of which the last has the whole response again.
#include <fmt/format.h>
#include <vector>

#include "api/openai_reply.h"
#include "api/openai_response.h"

namespace handmill::api {
namespace {

struct Item {
  bool thought = false;
  std::string text;

  std::string_view type() const { return thought ? "reasoning" : "message"; }
  std::string_view part_type() const { return thought ? "reasoning_text" : "output_text"; }
};

class ResponseReply : public Reply {
 public:
  ResponseReply(ResponseEcho echo, bool streams) : echo_(std::move(echo)), streams_(streams) {}
  bool streams() const override { return streams_; }
  std::string_view content_type() const override {
    return streams_ ? "text/event-stream" : "application/json";
  }
  std::string_view ping() const override { return streams_ ? kKeepAliveComment : ""; }

  void begin(const Identity& identity, const Usage&, std::string& out) override {
    identity_ = identity;
    if (!streams_) return;
    for (const char* type : {"response.created", "response.in_progress"}) event_of_all(out, type);
  }

  void delta(Delta delta, std::string& out) override {
    if (!delta.reasoning.empty()) append(true, delta.reasoning, out);
    if (!delta.content.empty()) append(false, delta.content, out);
  }

  void end(ChoiceEnd end, std::string& out) override {
    const bool cut = end.finish == Finish::kLength || end.finish == Finish::kContext;
    status_ = cut ? "incomplete" : end.finish == Finish::kError ? "failed" : "completed";
    if (!cut && (items_.empty() || items_.back().thought)) open(false, out);  // an empty answer
    close(out);
  }

  void finish(const End& end, std::string& out) override {
    end_ = end;
    ended_ = true;
    if (streams_) {
      event_of_all(out, fmt::format("response.{}", status_));
      return;
    }
    JsonWriter json(out);
    write_response(json);
  }

  void fail(const Fault& fault, std::string& out) override {
    if (!streams_) {
      out = error_body(Dialect::kOpenAI, fault);
      return;
    }
    status_ = "failed";
    close(out);
    error_ = fault.message;
    event_of_all(out, "response.failed");
  }

 private:
  template <class Write>
  void event(std::string& out, std::string_view type, Write write) {
    if (!streams_) return;
    fmt::format_to(std::back_inserter(out), "event: {}\ndata: ", type);
    JsonWriter json(out);
    json.begin_object().field("type", type).field("sequence_number", sequence_++);
    write(json);
    json.end_object();
    out += "\n\n";
  }

  void event_of_all(std::string& out, std::string_view type) {
    event(out, type, [&](JsonWriter& json) { write_response(json.key("response")); });
  }

  /// An event about the latest item's only part.
  template <class Write>
  void event_of_part(std::string& out, std::string_view type, Write write) {
    event(out, type, [&](JsonWriter& json) {
      json.field("item_id", item_id(items_.size() - 1)).field("output_index", items_.size() - 1);
      json.field("content_index", 0);
      write(json);
    });
  }

  void event_of_item(std::string& out, std::string_view type, std::string_view status) {
    event(out, type, [&](JsonWriter& json) {
      json.field("output_index", items_.size() - 1);
      write_item(json.key("item"), items_.size() - 1, status);
    });
  }

  void append(bool thought, const std::string& text, std::string& out) {
    if (items_.empty() || items_.back().thought != thought) {
      if (!items_.empty()) close(out);
      open(thought, out);
    }
    items_.back().text += text;
    event_of_part(out, fmt::format("response.{}.delta", items_.back().part_type()),
                  [&](JsonWriter& json) {
                    json.field("delta", text);
                    if (!thought) json.key("logprobs").begin_array().end_array();
                  });
  }

  void open(bool thought, std::string& out) {
    if (open_) close(out);
    items_.push_back({thought, {}});
    event_of_item(out, "response.output_item.added", "in_progress");
    open_ = true;
    event_of_part(out, "response.content_part.added",
                  [&](JsonWriter& json) { write_part(json.key("part"), items_.back()); });
  }

  void close(std::string& out) {
    if (!open_) return;
    const Item& item = items_.back();
    event_of_part(out, fmt::format("response.{}.done", item.part_type()), [&](JsonWriter& json) {
      json.field("text", item.text);
      if (!item.thought) json.key("logprobs").begin_array().end_array();
    });
    event_of_part(out, "response.content_part.done",
                  [&](JsonWriter& json) { write_part(json.key("part"), item); });
    open_ = false;
    event_of_item(out, "response.output_item.done", item_status(items_.size() - 1));
  }

  std::string item_id(size_t index) const {
    return fmt::format("{}_{}_{}", items_[index].thought ? "rs" : "msg", identity_.id, index);
  }

  /// All but the last item went on to another, and so are complete.
  std::string_view item_status(size_t index) const {
    const bool cut = status_ == "incomplete" || status_ == "failed";
    return index + 1 == items_.size() && cut ? "incomplete" : "completed";
  }

  static void write_part(JsonWriter& json, const Item& item) {
    json.begin_object().field("type", item.part_type()).field("text", item.text);
    if (!item.thought) {
      json.key("annotations").begin_array().end_array();
      json.key("logprobs").begin_array().end_array();
    }
    json.end_object();
  }

  void write_item(JsonWriter& json, size_t index, std::string_view status) const {
    const Item& item = items_[index];
    json.begin_object().field("id", item_id(index)).field("type", item.type());
    json.field("status", status);
    if (item.thought)
      json.key("summary").begin_array().end_array();
    else
      json.field("role", "assistant");
    json.key("content").begin_array();
    if (status != "in_progress") write_part(json, item);
    json.end_array().end_object();
  }

  void write_echo(JsonWriter& json) const {
    json.key("instructions");
    if (echo_.instructions)
      json.value(*echo_.instructions);
    else
      json.value(nullptr);
    json.key("max_output_tokens");
    if (echo_.max_output_tokens > 0)
      json.value(echo_.max_output_tokens);
    else
      json.value(nullptr);
    json.field("model", identity_.model).field("parallel_tool_calls", true);
    json.field("previous_response_id", nullptr).key("reasoning").begin_object().key("effort");
    if (echo_.effort.empty())
      json.value(nullptr);
    else
      json.value(echo_.effort);
    json.field("summary", nullptr).end_object().field("store", false);
    json.field("temperature", echo_.temperature).field("top_p", echo_.top_p);
    json.key("text").begin_object().key("format").begin_object().field("type", "text");
    json.end_object().end_object().field("tool_choice", "auto");
    json.key("tools").begin_array().end_array();
    json.field("truncation", echo_.truncates ? "auto" : "disabled").field("user", nullptr);
    json.key("metadata").value(boost::json::value(echo_.metadata));
  }

  void write_usage_of(JsonWriter& json, const Usage& usage) const {
    json.begin_object().field("input_tokens", usage.prompt_tokens);
    json.key("input_tokens_details").begin_object();
    json.field("cached_tokens", usage.cached_tokens).end_object();
    json.field("output_tokens", usage.completion_tokens);
    json.key("output_tokens_details").begin_object();
    json.field("reasoning_tokens", usage.reasoning_tokens).end_object();
    json.field("total_tokens", int64_t{usage.prompt_tokens} + usage.completion_tokens);
    json.end_object();
  }

  void write_error(JsonWriter& json) const {
    json.key("error");
    if (status_ != "failed") {
      json.value(nullptr);
      return;
    }
    json.begin_object().field("code", "server_error");
    json.field("message", error_.empty() ? "the answer could not be made" : error_).end_object();
  }

  void write_response(JsonWriter& json) const {
    json.begin_object().field("id", "resp_" + identity_.id).field("object", "response");
    json.field("created_at", identity_.created_ns / 1'000'000'000).field("status", status_);
    json.field("background", false);
    write_error(json);
    json.key("incomplete_details");
    if (status_ == "incomplete")
      json.begin_object().field("reason", "max_output_tokens").end_object();
    else
      json.value(nullptr);
    json.key("output").begin_array();
    if (status_ != "in_progress")
      for (size_t i = 0; i < items_.size(); ++i) write_item(json, i, item_status(i));
    json.end_array();
    write_echo(json);
    json.key("usage");
    if (ended_)
      write_usage_of(json, end_.usage);
    else
      json.value(nullptr);
    if (ended_) write_timings(json, end_.usage, end_.timings);
    json.end_object();
  }

  ResponseEcho echo_;
  bool streams_;
  Identity identity_;
  std::string status_ = "in_progress";
  std::string error_;
  std::vector<Item> items_;
  bool open_ = false;  // the latest item has been told of and not ended
  int64_t sequence_ = 0;
  End end_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Reply> make_response_reply(ResponseEcho echo, bool streams) {
  return std::make_unique<ResponseReply>(std::move(echo), streams);
}

}  // namespace handmill::api
