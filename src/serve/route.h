// The table of routes, and what stands between a request and its handler: which names and pages are
// answered, who may ask, and where a path leads. Judged by the headers alone, before the body.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/dialect.h"
#include "serve/http.h"
#include "serve/keys.h"

namespace handmill::serve {

class Exchange;
struct Service;

enum class Access { kPublic, kKey };

struct Route {
  std::string_view method;  // one of GET answers HEAD too
  std::string_view path;    // one that ends in '*' takes whatever is written there
  void (*handle)(const std::shared_ptr<Exchange>& exchange);
  api::Dialect dialect = api::Dialect::kOpenAI;
  Access access = Access::kKey;
};

// One table for each family of endpoints.
std::span<const Route> openai_routes();
std::span<const Route> ollama_routes();
std::span<const Route> anthropic_routes();
std::span<const Route> handmill_routes();

/// Every route, in the order in which they are tried.
std::span<const Route> routes();

struct Admission {
  const Route* route = nullptr;
  std::string rest;  // what '*' stood for, percent-decoded
  api::Dialect dialect = api::Dialect::kOpenAI;
  Caller caller;
  std::vector<Header> headers;     // of the reply, whatever it is (CORS)
  std::optional<Response> answer;  // where no handler is needed: refusals, preflight
};
Admission admit(const HttpRequest& head, const Service& service);

}  // namespace handmill::serve
