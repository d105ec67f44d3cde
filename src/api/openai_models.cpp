// GET /v1/models and /v1/models/{id}.
#include "api/json_writer.h"
#include "api/openai.h"

namespace handmill::api {
namespace {

/// Numbers and words that may not be known are null then.
template <class T>
void write_known(JsonWriter& json, std::string_view name, const T& value) {
  if (value == T())
    json.field(name, nullptr);
  else
    json.field(name, value);
}

void write_card(JsonWriter& json, const ModelCard& card) {
  json.begin_object().field("id", card.id).field("object", "model");
  json.field("created", card.created_s).field("owned_by", "handmill");
  json.field("max_model_len", card.max_model_len);
  json.field("state", card.loaded ? "loaded" : "unloaded");
  json.key("meta").begin_object();
  write_known(json, "n_ctx_train", card.max_model_len);
  write_known(json, "n_params", card.parameters);
  write_known(json, "size", card.bytes);
  write_known(json, "n_embd", card.width);
  write_known(json, "architecture", card.architecture);
  write_known(json, "quantization", card.quantization);
  json.end_object().end_object();
}

}  // namespace

std::string openai_models_body(std::span<const ModelCard> cards) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("object", "list").key("data").begin_array();
  for (const ModelCard& card : cards) write_card(json, card);
  json.end_array().end_object();
  return out;
}

std::string openai_model_body(const ModelCard& card) {
  std::string out;
  JsonWriter json(out);
  write_card(json, card);
  return out;
}

}  // namespace handmill::api
