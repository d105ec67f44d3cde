// Anthropic's endpoints.
#include "api/anthropic.h"
#include "serve/exchange.h"
#include "serve/generation.h"

namespace handmill::serve {
namespace {

using ExchangePtr = std::shared_ptr<Exchange>;

void messages(const ExchangePtr& exchange) {
  auto asked = api::anthropic::read_messages(exchange->request().body);
  if (const auto* fault = std::get_if<api::Fault>(&asked)) return exchange->fail(*fault);
  generate(exchange, std::move(std::get<api::Asked>(asked)));
}

void count_tokens(const ExchangePtr& exchange) {
  auto read = api::anthropic::read_count_tokens(exchange->request().body);
  if (const auto* fault = std::get_if<api::Fault>(&read)) return exchange->fail(*fault);
  auto& ask = std::get<api::anthropic::CountAsk>(read);
  exchange->account().model = ask.model;
  if (ask.think) ask.conversation.render.extra["enable_thinking"] = *ask.think;
  const auto tokens =
      exchange->service().router.tokenize(ask.model, std::move(ask.conversation), true);
  if (const auto* fault = std::get_if<api::Fault>(&tokens)) return exchange->fail(*fault);
  exchange->reply_json(api::anthropic::count_tokens_reply(
      static_cast<int>(std::get<std::vector<text::Token>>(tokens).size())));
}

constexpr Route kRoutes[] = {
    {"POST", "/v1/messages", messages, api::Dialect::kAnthropic},
    {"POST", "/v1/messages/count_tokens", count_tokens, api::Dialect::kAnthropic},
};

}  // namespace

std::span<const Route> anthropic_routes() { return kRoutes; }

}  // namespace handmill::serve
