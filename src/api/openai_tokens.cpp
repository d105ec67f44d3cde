// POST /tokenize, /detokenize and /apply-template: prompts without answers.
#include "api/json_writer.h"
#include "api/openai.h"
#include "api/openai_fields.h"

namespace handmill::api {
namespace {

/// Thinking changes what a template writes, and here no Completion carries it there.
void read_conversation(Fields& body, Conversation& conversation) {
  read_messages(body.at("messages"), conversation.messages);
  read_render(body, conversation.render);
  Completion completion;
  read_thinking(body, completion, conversation.render);
  if (completion.think) conversation.render.extra["enable_thinking"] = *completion.think;
}

void read_text(Fields& body, const Field& field, bool& bos, std::string_view bos_name,
               AskedTokens& asked) {
  PlainText text;
  text.special = true;
  field.read(text.text, kTextBytesMax);
  body.at("parse_special").read(text.special);
  body.at(bos_name).read(bos);
  asked.prompt = std::move(text);
}

}  // namespace

Read<AskedTokens> read_tokenize(const boost::json::object& object) {
  Reading reading;
  Fields body(object, reading);
  AskedTokens asked;
  body.at("model").read(asked.model, kModelBytesMax);
  const Field content = body.at("content"), prompt = body.at("prompt");
  const Field messages = body.at("messages");
  if (content.given() + prompt.given() + messages.given() != 1)
    reading.fail(Fault::Kind::kInvalid, "content",
                 "one of content, prompt and messages must be given");
  if (content.given()) {
    read_text(body, content, asked.bos, "add_special", asked);
    body.at("with_pieces").read(asked.pieces);
  } else {
    asked.counts = true;
    asked.bos = prompt.given();  // vLLM's default; a template writes its own
    if (prompt.given()) {
      read_text(body, prompt, asked.bos, "add_special_tokens", asked);
    } else {
      Conversation conversation;
      read_conversation(body, conversation);
      body.at("add_special_tokens").read(asked.bos);
      asked.prompt = std::move(conversation);
    }
    body.at("return_token_strs").read(asked.pieces);
  }
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);
  asked.ignored = std::move(reading.ignored);
  return asked;
}

std::string tokenize_body(const AskedTokens& asked, std::span<const text::Token> tokens,
                          std::span<const std::string> pieces, int max_model_len) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  if (asked.counts) json.field("count", tokens.size()).field("max_model_len", max_model_len);
  const bool pairs = asked.pieces && !asked.counts;
  json.key("tokens").begin_array();
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!pairs) {
      json.value(tokens[i]);
      continue;
    }
    const std::string piece = i < pieces.size() ? pieces[i] : std::string();
    json.begin_object().field("id", tokens[i]).key("piece");
    if (valid_utf8(piece) == piece) {
      json.value(piece);
    } else {  // llama-server's way to give a part of a character
      json.begin_array();
      for (char byte : piece) json.value(static_cast<unsigned char>(byte));
      json.end_array();
    }
    json.end_object();
  }
  json.end_array();
  if (asked.pieces && asked.counts) {
    json.key("token_strs").begin_array();
    for (const std::string& piece : pieces) json.value(piece);
    json.end_array();
  }
  json.end_object();
  return out;
}

Read<AskedText> read_detokenize(const boost::json::object& object) {
  Reading reading;
  Fields body(object, reading);
  AskedText asked;
  body.at("model").read(asked.model, kModelBytesMax);
  body.at("tokens").required().read_tokens(asked.tokens);
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);
  asked.ignored = std::move(reading.ignored);
  return asked;
}

std::string detokenize_body(std::string_view text) {
  std::string out;
  // llama-server's name for it, and vLLM's.
  JsonWriter(out).begin_object().field("content", text).field("prompt", text).end_object();
  return out;
}

Read<AskedTemplate> read_apply_template(const boost::json::object& object) {
  Reading reading;
  Fields body(object, reading);
  AskedTemplate asked;
  body.at("model").read(asked.model, kModelBytesMax);
  read_conversation(body, asked.conversation);
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);
  asked.ignored = std::move(reading.ignored);
  return asked;
}

std::string apply_template_body(std::string_view prompt) {
  std::string out;
  JsonWriter(out).begin_object().field("prompt", prompt).end_object();
  return out;
}

}  // namespace handmill::api
