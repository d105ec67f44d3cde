// OpenAI's endpoints.
#include "api/fields.h"
#include "api/openai.h"
#include "base/quote.h"
#include "serve/embedding.h"
#include "serve/exchange.h"
#include "serve/generation.h"

namespace handmill::serve {
namespace {

using api::Fault;
using ExchangePtr = std::shared_ptr<Exchange>;

using ReadCompletion = api::Read<api::Asked> (*)(const boost::json::object&);
template <ReadCompletion kRead>
void complete(const ExchangePtr& exchange) {
  auto body = api::parse_body(exchange->request().body);
  if (const auto* fault = std::get_if<Fault>(&body)) return exchange->fail(*fault);
  auto asked = kRead(std::get<boost::json::object>(body));
  if (const auto* fault = std::get_if<Fault>(&asked)) return exchange->fail(*fault);
  generate(exchange, std::move(std::get<api::Asked>(asked)));
}

void embeddings(const ExchangePtr& exchange) {
  auto body = api::parse_body(exchange->request().body);
  if (const auto* fault = std::get_if<Fault>(&body)) return exchange->fail(*fault);
  auto read = api::read_openai_embedding(std::get<boost::json::object>(body));
  if (const auto* fault = std::get_if<Fault>(&read)) return exchange->fail(*fault);
  auto& asked = std::get<api::AskedEmbedding>(read);
  auto embedding = std::move(asked.embedding);
  asked.embedding = {};
  embed(exchange, std::move(embedding),
        [asked](const api::Identity& identity, const router::EmbeddingAnswer& answer) {
          return api::openai_embedding_body(asked, identity.model, answer.vectors, answer.usage);
        });
}

api::ModelCard card_of(const router::ModelInfo& info) {
  return {info.name,         info.modified_s,   info.context,
          info.parameters,   info.file_bytes,   info.width,
          info.architecture, info.quantization, info.state == router::State::kLoaded};
}

void models(const ExchangePtr& exchange) {
  std::vector<api::ModelCard> cards;
  for (const router::ModelInfo& info : exchange->service().router.models())
    cards.push_back(card_of(info));
  exchange->reply_json(api::openai_models_body(cards));
}

void model(const ExchangePtr& exchange) {
  const auto info = exchange->service().router.find(exchange->rest());
  if (!info)
    return exchange->fail(
        {Fault::Kind::kNotFound, "there is no model " + base::quoted(exchange->rest()), "model"});
  exchange->reply_json(api::openai_model_body(card_of(*info)));
}

constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", complete<api::read_openai_chat>},
    {"POST", "/v1/completions", complete<api::read_openai_completion>},
    {"POST", "/v1/responses", complete<api::read_openai_response>},
    {"POST", "/v1/embeddings", embeddings},
    {"GET", "/v1/models", models},
    {"GET", "/v1/models/*", model},
};

}  // namespace

std::span<const Route> openai_routes() { return kRoutes; }

}  // namespace handmill::serve
