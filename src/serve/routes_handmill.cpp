// handmill's own endpoints, under the names that llama-server and vLLM gave them: how the server
// is, its figures, and the way between text and tokens.
#include <algorithm>
#include <optional>

#include "api/fields.h"
#include "api/json_writer.h"
#include "api/openai.h"
#include "serve/exchange.h"

namespace handmill::serve {
namespace {

using api::Fault;
using api::JsonWriter;
using ExchangePtr = std::shared_ptr<Exchange>;

void root(const ExchangePtr& exchange) {
  exchange->reply({200, "text/plain; charset=utf-8", "handmill is running", {}});
}

void version(const ExchangePtr& exchange) {
  std::string body;
  JsonWriter(body).begin_object().field("version", kVersion).end_object();
  exchange->reply_json(std::move(body));
}

/// Well is who gets on with its work, or has none.
void health(const ExchangePtr& exchange) {
  Service& service = exchange->service();
  std::string status = service.draining ? "draining" : "ok";
  double stuck_s = 0;
  for (const router::ModelStats& model : service.router.stats())
    stuck_s = std::max(stuck_s, model.seconds_since_progress);
  if (stuck_s > std::chrono::duration<double>(service.limits.stuck_wait).count()) status = "stuck";
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("status", status);
  json.field("seconds_since_progress", stuck_s).end_object();
  exchange->reply({status == "ok" ? 200 : 503, "application/json", std::move(body), {}});
}

void metrics(const ExchangePtr& exchange) {
  Service& service = exchange->service();
  const Gauges gauges{service.connections, service.buffered, service.refused};
  exchange->reply({200,
                   "text/plain; version=0.0.4; charset=utf-8",
                   service.metrics.text(service.router.stats(), gauges),
                   {}});
}

/// What `read` makes of the body; none where the fault has been told.
template <class T>
std::optional<T> read_body(const ExchangePtr& exchange,
                           api::Read<T> (*read)(const boost::json::object&)) {
  auto body = api::parse_body(exchange->request().body);
  if (const auto* fault = std::get_if<Fault>(&body)) {
    exchange->fail(*fault);
    return std::nullopt;
  }
  auto asked = read(std::get<boost::json::object>(body));
  if (const auto* fault = std::get_if<Fault>(&asked)) {
    exchange->fail(*fault);
    return std::nullopt;
  }
  exchange->account().model = std::get<T>(asked).model;
  return std::move(std::get<T>(asked));
}

void tokenize(const ExchangePtr& exchange) {
  const auto asked = read_body(exchange, api::read_tokenize);
  if (!asked) return;
  router::Router& router = exchange->service().router;
  const auto tokens = router.tokenize(asked->model, asked->prompt, asked->bos);
  if (const auto* fault = std::get_if<Fault>(&tokens)) return exchange->fail(*fault);
  const auto& ids = std::get<std::vector<text::Token>>(tokens);
  std::vector<std::string> pieces;
  for (size_t i = 0; asked->pieces && i < ids.size(); ++i) {
    const auto piece = router.detokenize(asked->model, {&ids[i], 1});
    if (const auto* fault = std::get_if<Fault>(&piece)) return exchange->fail(*fault);
    pieces.push_back(std::get<std::string>(piece));
  }
  const auto info = router.find(asked->model);
  exchange->reply_json(api::tokenize_body(*asked, ids, pieces, info ? info->context : 0));
}

void detokenize(const ExchangePtr& exchange) {
  const auto asked = read_body(exchange, api::read_detokenize);
  if (!asked) return;
  const auto text = exchange->service().router.detokenize(asked->model, asked->tokens);
  if (const auto* fault = std::get_if<Fault>(&text)) return exchange->fail(*fault);
  exchange->reply_json(api::detokenize_body(std::get<std::string>(text)));
}

void apply_template(const ExchangePtr& exchange) {
  const auto asked = read_body(exchange, api::read_apply_template);
  if (!asked) return;
  const auto prompt = exchange->service().router.apply_template(asked->model, asked->conversation);
  if (const auto* fault = std::get_if<Fault>(&prompt)) return exchange->fail(*fault);
  exchange->reply_json(api::apply_template_body(std::get<std::string>(prompt)));
}

constexpr Route kRoutes[] = {
    {"GET", "/", root, api::Dialect::kOpenAI, Access::kPublic},
    {"GET", "/health", health, api::Dialect::kOpenAI, Access::kPublic},
    {"GET", "/v1/health", health, api::Dialect::kOpenAI, Access::kPublic},
    {"GET", "/version", version, api::Dialect::kOpenAI, Access::kPublic},
    {"GET", "/metrics", metrics},
    {"POST", "/tokenize", tokenize},
    {"POST", "/detokenize", detokenize},
    {"POST", "/apply-template", apply_template},
};

}  // namespace

std::span<const Route> handmill_routes() { return kRoutes; }

}  // namespace handmill::serve
