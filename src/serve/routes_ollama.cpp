// Ollama's endpoints.
#include <algorithm>
#include <chrono>

#include "api/ollama.h"
#include "base/quote.h"
#include "serve/embedding.h"
#include "serve/exchange.h"
#include "serve/generation.h"

namespace handmill::serve {
namespace {

namespace ollama = api::ollama;
using api::Dialect;
using api::Fault;
using ExchangePtr = std::shared_ptr<Exchange>;

ollama::Model model_of(const router::ModelInfo& info) {
  ollama::Model model;
  model.name = info.name;
  model.digest = info.digest;
  model.modified_s = info.modified_s;
  model.bytes = info.file_bytes;
  model.family = info.architecture;
  model.quantization = info.quantization;
  model.parameters = info.parameters;
  model.context = info.context;
  model.width = info.width;
  model.capabilities = {"completion", "embedding"};
  // No "tools": requests that have some are refused, so nobody should be led to send them.
  if (info.thinks) model.capabilities.emplace_back("thinking");
  return model;
}

struct Unloaded {
  const ExchangePtr& exchange;
  void operator()(const ollama::Unload& unload) const {
    router::Router& router = exchange->service().router;
    exchange->account().model = unload.model;
    const auto info = router.find(unload.model);
    if (!info)
      return exchange->fail(
          {Fault::Kind::kNotFound, "model " + base::quoted(unload.model) + " not found", "model"});
    router.unload(unload.model);
    exchange->reply_json(ollama::unloaded(unload, exchange->identity(info->name)));
  }
  void operator()(ollama::Preload& asked) const {
    preload(exchange, asked.model, asked.keep_alive,
            [asked](const api::Identity& identity, const api::Timings& timings) {
              return ollama::preloaded(asked, identity, timings);
            });
  }
  void operator()(const Fault& fault) const { exchange->fail(fault); }
};

struct Generated : Unloaded {
  using Unloaded::operator();
  void operator()(api::Asked& asked) const {
    const auto info = exchange->service().router.find(asked.completion.model);
    if (info && !info->thinks && asked.completion.think.value_or(false))
      return exchange->fail({Fault::Kind::kInvalid,
                             base::quoted(info->name) + " does not support thinking", "think"});
    generate(exchange, std::move(asked));
  }
};

struct Embedded : Unloaded {
  using Unloaded::operator();
  void operator()(ollama::AskedEmbedding& asked) const {
    const bool old = asked.route == ollama::Route::kEmbeddings;
    embed(exchange, std::move(asked.embedding),
          [old](const api::Identity& identity, const router::EmbeddingAnswer& answer) {
            return old ? ollama::embeddings_reply(answer.vectors)
                       : ollama::embed_reply(identity, answer.vectors, answer.usage,
                                             answer.timings);
          });
  }
};

void generate_route(const ExchangePtr& exchange) {
  auto asked = ollama::read_generate(exchange->request().body);
  std::visit(Generated{exchange}, asked);
}
void chat(const ExchangePtr& exchange) {
  auto asked = ollama::read_chat(exchange->request().body);
  std::visit(Generated{exchange}, asked);
}
void embed_route(const ExchangePtr& exchange) {
  auto asked = ollama::read_embed(exchange->request().body);
  std::visit(Embedded{exchange}, asked);
}
void embeddings(const ExchangePtr& exchange) {
  auto asked = ollama::read_embeddings(exchange->request().body);
  std::visit(Embedded{exchange}, asked);
}

void tags(const ExchangePtr& exchange) {
  std::vector<ollama::Model> models;
  for (const router::ModelInfo& info : exchange->service().router.models())
    models.push_back(model_of(info));
  exchange->reply_json(ollama::tags_reply(models));
}

void ps(const ExchangePtr& exchange) {
  std::vector<ollama::Running> running;
  for (const router::ModelInfo& info : exchange->service().router.models()) {
    if (info.state != router::State::kLoaded) continue;
    ollama::Running one;
    one.model = model_of(info);
    one.memory_bytes = info.memory_bytes;
    if (info.expires)
      one.expires_ns =
          std::chrono::duration_cast<std::chrono::nanoseconds>(info.expires->time_since_epoch())
              .count();
    running.push_back(std::move(one));
  }
  exchange->reply_json(ollama::ps_reply(running));
}

void show(const ExchangePtr& exchange) {
  auto read = ollama::read_show(exchange->request().body);
  if (const auto* fault = std::get_if<Fault>(&read)) return exchange->fail(*fault);
  const auto& ask = std::get<ollama::ShowAsk>(read);
  exchange->account().model = ask.model;
  router::Router& router = exchange->service().router;
  const auto info = router.find(ask.model);
  if (!info)
    return exchange->fail(
        {Fault::Kind::kNotFound, "model " + base::quoted(ask.model) + " not found", "model"});
  const auto file = router.file(ask.model);
  if (!file.ok()) return exchange->fail({Fault::Kind::kUnavailable, file.error().message, "model"});
  exchange->reply_json(ollama::show_reply(model_of(*info), **file, ask.verbose));
}

void version(const ExchangePtr& exchange) { exchange->reply_json(ollama::version_reply(kVersion)); }

void store(const ExchangePtr& exchange) {
  std::string route = exchange->request().path;
  if (route.starts_with("/api/blobs/")) route = "/api/blobs";
  exchange->fail(ollama::store_fault(route));
}

constexpr Route kRoutes[] = {
    {"POST", "/api/generate", generate_route, Dialect::kOllama},
    {"POST", "/api/chat", chat, Dialect::kOllama},
    {"POST", "/api/embed", embed_route, Dialect::kOllama},
    {"POST", "/api/embeddings", embeddings, Dialect::kOllama},
    {"GET", "/api/tags", tags, Dialect::kOllama},
    {"GET", "/api/ps", ps, Dialect::kOllama},
    {"POST", "/api/show", show, Dialect::kOllama},
    {"GET", "/api/version", version, Dialect::kOllama, Access::kPublic},
    {"POST", "/api/pull", store, Dialect::kOllama},
    {"POST", "/api/push", store, Dialect::kOllama},
    {"POST", "/api/create", store, Dialect::kOllama},
    {"POST", "/api/copy", store, Dialect::kOllama},
    {"DELETE", "/api/delete", store, Dialect::kOllama},
    {"POST", "/api/blobs/*", store, Dialect::kOllama},
    {"HEAD", "/api/blobs/*", store, Dialect::kOllama},
};

}  // namespace

std::span<const Route> ollama_routes() { return kRoutes; }

}  // namespace handmill::serve
