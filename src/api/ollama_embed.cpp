// The bodies of Ollama's routes that generate nothing: embeddings, and what is told of a model.
#include <utility>

#include "api/body.h"
#include "api/ollama.h"
#include "api/ollama_options.h"

namespace handmill::api::ollama {
namespace {

namespace json = boost::json;

/// An empty text alone is no input, as in Ollama: it asks for the model to be loaded.
void read_input(const Field& field, Embedding& embedding) {
  std::string text;
  if (field.is_text()) {
    if (field.read(text, kTextBytesMax) && !text.empty()) embedding.inputs.emplace_back(text);
  } else if (field.is_array()) {
    for (const Field& item : field.items(kInputsMax))
      if (item.required().read(text, kTextBytesMax)) embedding.inputs.emplace_back(text);
  } else if (field.given()) {
    field.wrong_type("a string or an array of strings");
  }
}

EmbeddingAsk embed(const json::object& object, Route route) {
  Reading reading;
  Fields body(object, reading);
  Embedding embedding;
  read_model(body, embedding.model);
  embedding.keep_alive = read_keep_alive(body.at("keep_alive"));
  Completion unused;  // options hold nothing for an embedding, but what is wrong is told
  read_options(body.at("options"), unused);
  if (route == Route::kEmbeddings) {
    std::string prompt;
    if (body.at("prompt").read(prompt, kTextBytesMax) && !prompt.empty())
      embedding.inputs.emplace_back(std::move(prompt));
  } else {
    read_input(body.at("input"), embedding);
    body.at("truncate").read(embedding.truncate);
    body.at("dimensions").read(embedding.dimensions, 0, kDimensionsMax.value);
  }
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);
  if (!embedding.inputs.empty())
    return AskedEmbedding{route, std::move(embedding), std::move(reading.ignored)};
  if (embedding.keep_alive == std::chrono::milliseconds(0)) return Unload{route, embedding.model};
  return Preload{route, embedding.model, embedding.keep_alive};
}

Read<ShowAsk> show(const json::object& object) {
  Reading reading;
  Fields body(object, reading);
  ShowAsk ask;
  read_model(body, ask.model);
  body.at("verbose").read(ask.verbose);
  if (reading.fault) return *std::move(reading.fault);
  return ask;
}

}  // namespace

EmbeddingAsk read_embed(std::string_view body) {
  return read_body<EmbeddingAsk>(
      body, [](const json::object& object) { return embed(object, Route::kEmbed); });
}
EmbeddingAsk read_embeddings(std::string_view body) {
  return read_body<EmbeddingAsk>(
      body, [](const json::object& object) { return embed(object, Route::kEmbeddings); });
}
Read<ShowAsk> read_show(std::string_view body) { return read_body<Read<ShowAsk>>(body, show); }

}  // namespace handmill::api::ollama
