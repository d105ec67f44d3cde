// The pieces of a chat completion: a message, or the deltas of one.
#include "api/openai_reply.h"

namespace handmill::api {
namespace {

void write_likely(JsonWriter& json, const Likely& likely) {
  json.field("token", likely.bytes).key("logprob");
  write_logprob(json, likely.logprob);
  json.key("bytes").begin_array();
  for (char byte : likely.bytes) json.value(static_cast<unsigned char>(byte));
  json.end_array();
}

class ChatShape : public Shape {
 public:
  explicit ChatShape(bool logprobs) : logprobs_(logprobs) {}
  std::string_view id_prefix() const override { return "chatcmpl-"; }
  std::string_view object_name(bool streams) const override {
    return streams ? "chat.completion.chunk" : "chat.completion";
  }
  bool has_opening() const override { return true; }
  void write_opening(JsonWriter& json) override {
    json.key("delta").begin_object().field("role", "assistant").field("content", "").end_object();
    json.field("logprobs", nullptr);
  }

  void write_piece(JsonWriter& json, const Delta* piece) override {
    json.key("delta").begin_object();
    if (piece && !piece->reasoning.empty()) json.field("reasoning_content", piece->reasoning);
    if (piece && (!piece->content.empty() || piece->reasoning.empty()))
      json.field("content", piece->content);
    json.end_object();
    write_logprobs(json, piece ? piece->logprobs : std::vector<TokenLogprob>());
  }

  void write_whole(JsonWriter& json, const Delta& whole, const ChoiceEnd&) override {
    json.key("message").begin_object().field("role", "assistant").field("content", whole.content);
    if (!whole.reasoning.empty()) json.field("reasoning_content", whole.reasoning);
    json.field("refusal", nullptr).end_object();
    write_logprobs(json, whole.logprobs);
  }

 private:
  void write_logprobs(JsonWriter& json, const std::vector<TokenLogprob>& logprobs) const {
    json.key("logprobs");
    if (!logprobs_ || logprobs.empty()) {
      json.value(nullptr);
      return;
    }
    json.begin_object().key("content").begin_array();
    for (const TokenLogprob& token : logprobs) {
      json.begin_object();
      write_likely(json, token.chosen);
      json.key("top_logprobs").begin_array();
      for (const Likely& likely : token.top) {
        json.begin_object();
        write_likely(json, likely);
        json.end_object();
      }
      json.end_array().end_object();
    }
    json.end_array().field("refusal", nullptr).end_object();
  }

  bool logprobs_;
};

}  // namespace

std::unique_ptr<Shape> make_chat_shape(bool logprobs) {
  return std::make_unique<ChatShape>(logprobs);
}

}  // namespace handmill::api
