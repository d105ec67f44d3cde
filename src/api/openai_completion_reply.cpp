// The pieces of a text completion, with logprobs in their old form: lists side by side.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "api/openai_reply.h"

namespace handmill::api {
namespace {

/// A token's text where it is one, otherwise its bytes as OpenAI writes them, so that two tokens
/// never have the same name: bytes:\xe4\xb8.
std::string token_name(const std::string& bytes) {
  if (valid_utf8(bytes) == bytes) return bytes;
  std::string name = "bytes:";
  for (char byte : bytes) name += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  return name;
}

int64_t code_points(std::string_view bytes) {
  return std::count_if(bytes.begin(), bytes.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

class TextShape : public Shape {
 public:
  explicit TextShape(int top) : top_(top) {}
  std::string_view id_prefix() const override { return "cmpl-"; }
  std::string_view object_name(bool) const override { return "text_completion"; }

  void write_piece(JsonWriter& json, const Delta* piece) override {
    json.field("text", piece ? piece->reasoning + piece->content : std::string());
    if (top_ < 0 || !piece || piece->logprobs.empty()) {
      json.field("logprobs", nullptr);
      return;
    }
    const auto choice = static_cast<size_t>(piece->choice);
    if (choice >= offsets_.size()) offsets_.resize(choice + 1);
    write_logprobs(json, {&piece->logprobs}, offsets_[choice]);
  }

  void write_whole(JsonWriter& json, const Delta& whole, const ChoiceEnd& end) override {
    json.field("text", whole.reasoning + whole.content);
    int64_t offset = 0;
    if (top_ < 0)
      json.field("logprobs", nullptr);
    else
      write_logprobs(json, {&end.prompt_logprobs, &whole.logprobs}, offset);
  }

 private:
  using Lists = std::initializer_list<const std::vector<TokenLogprob>*>;

  template <class Write>
  static void write_list(JsonWriter& json, std::string_view name, Lists lists, Write write) {
    json.key(name).begin_array();
    for (const std::vector<TokenLogprob>* list : lists)
      for (const TokenLogprob& token : *list) write(token);
    json.end_array();
  }

  /// `offset`: code points of the choice's text before these tokens, moved behind them.
  static void write_logprobs(JsonWriter& json, Lists lists, int64_t& offset) {
    json.key("logprobs").begin_object();
    write_list(json, "tokens", lists,
               [&](const TokenLogprob& token) { json.value(token_name(token.chosen.bytes)); });
    write_list(json, "token_logprobs", lists,
               [&](const TokenLogprob& token) { write_logprob(json, token.chosen.logprob); });
    write_list(json, "top_logprobs", lists,
               [&](const TokenLogprob& token) { write_top(json, token); });
    write_list(json, "text_offset", lists, [&](const TokenLogprob& token) {
      json.value(offset);
      offset += code_points(token.chosen.bytes);
    });
    json.end_object();
  }

  /// The likeliest, and the token's own where it is not among them; names that come twice once.
  static void write_top(JsonWriter& json, const TokenLogprob& token) {
    if (std::isnan(token.chosen.logprob)) {  // the first of a prompt: nothing foretold it
      json.value(nullptr);
      return;
    }
    std::vector<std::string> names;
    json.begin_object();
    auto write = [&](const Likely& likely) {
      std::string name = token_name(likely.bytes);
      if (std::find(names.begin(), names.end(), name) != names.end()) return;
      json.key(name);
      write_logprob(json, likely.logprob);
      names.push_back(std::move(name));
    };
    for (const Likely& likely : token.top) write(likely);
    write(token.chosen);
    json.end_object();
  }

  int top_;
  std::vector<int64_t> offsets_;  // by choice, in a stream
};

}  // namespace

std::unique_ptr<Shape> make_text_shape(int top) { return std::make_unique<TextShape>(top); }

}  // namespace handmill::api
