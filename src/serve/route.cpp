#include "serve/route.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "base/quote.h"
#include "serve/service.h"

namespace handmill::serve {
namespace {

using api::Dialect;
using api::Fault;

/// Whose errors a path gets, be there a route or not.
Dialect dialect_of(std::string_view path) {
  if (path.starts_with("/api/")) return Dialect::kOllama;
  if (path.starts_with("/v1/messages")) return Dialect::kAnthropic;
  return Dialect::kOpenAI;
}

bool leads_to(const Route& route, std::string_view path) {
  if (!route.path.ends_with('*')) return route.path == path;
  const std::string_view stem = route.path.substr(0, route.path.size() - 1);
  return path.size() > stem.size() && path.starts_with(stem);
}

bool takes(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

std::string methods_of(std::string_view path) {
  std::string out;
  const auto add = [&out](std::string_view method) {
    if (out.find(method) == std::string::npos) out.append(out.empty() ? "" : ", ").append(method);
  };
  for (const Route& route : routes()) {
    if (!leads_to(route, path)) continue;
    add(route.method);
    if (route.method == "GET") add("HEAD");
  }
  if (!out.empty()) add("OPTIONS");
  return out;
}

Response refusal(Dialect dialect, const Fault& fault, std::vector<Header> headers = {}) {
  return {api::http_status(fault.kind), "application/json", api::error_body(dialect, fault),
          std::move(headers)};
}

/// Host and Origin: whether this is a client that may speak to us at all.
std::optional<Fault> stranger(const HttpRequest& head, const Service& service) {
  const std::string_view host = head.header("host");
  if (head.count("host") > 1 || (head.version == 11 && head.count("host") == 0))
    return Fault{Fault::Kind::kInvalid, "a request has exactly one Host header", "Host"};
  if (head.count("host") == 1 && !service.guard.host_allowed(host))
    return Fault{Fault::Kind::kForbidden,
                 fmt::format("this server does not answer to the host name {}; --allow-host lets "
                             "it",
                             base::quoted(host)),
                 "Host"};
  if (head.count("origin") == 0) return std::nullopt;
  const std::string_view origin = head.header("origin");
  if (head.count("origin") == 1 && service.guard.origin_allowed(origin, host)) return std::nullopt;
  return Fault{Fault::Kind::kForbidden,
               fmt::format("pages of {} may not use this server; --allow-origin lets them",
                           base::quoted(origin)),
               "Origin"};
}

Response preflight(const HttpRequest& head) {
  Response response{204, {}, {}, {}};
  const std::string methods = methods_of(head.path);
  response.headers.push_back({"Allow", methods.empty() ? "GET, HEAD, POST, OPTIONS" : methods});
  if (head.count("origin") == 0) return response;
  response.headers.push_back({"Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE, OPTIONS"});
  // Clients bring headers of their own ("x-stainless-os"); what is asked for is harmless to allow.
  const std::string_view wanted = head.header("access-control-request-headers");
  response.headers.push_back(
      {"Access-Control-Allow-Headers",
       wanted.empty() ? "Authorization, Content-Type, X-Api-Key" : std::string(wanted)});
  response.headers.push_back({"Access-Control-Max-Age", "86400"});
  return response;
}

Response unauthorized(Dialect dialect) {
  return refusal(dialect,
                 {Fault::Kind::kUnauthorized,
                  "this server wants an API key: Authorization: Bearer KEY, or x-api-key: KEY",
                  {}},
                 {{"WWW-Authenticate", "Bearer"}});
}

/// A refusal where the path leads nowhere.
std::optional<Response> find_route(const HttpRequest& head, Admission& admission) {
  for (const Route& route : routes()) {
    if (!leads_to(route, head.path) || !takes(route, head.method)) continue;
    const auto rest = percent_decoded(
        route.path.ends_with('*') ? std::string_view(head.path).substr(route.path.size() - 1) : "");
    if (!rest)
      return refusal(admission.dialect,
                     {Fault::Kind::kInvalid, "the path has a '%' without two digits", "path"});
    admission.route = &route;
    admission.rest = *rest;
    admission.dialect = route.dialect;
    return std::nullopt;
  }
  const std::string methods = methods_of(head.path);
  if (methods.empty())
    return refusal(
        admission.dialect,
        {Fault::Kind::kNotFound, fmt::format("there is no route {}", base::quoted(head.path)), {}});
  return refusal(admission.dialect,
                 {Fault::Kind::kMethod,
                  fmt::format("{} takes {}, not {}", head.path, methods, base::quoted(head.method)),
                  {}},
                 {{"Allow", methods}});
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> kRoutes = [] {
    std::vector<Route> all;
    for (const auto family :
         {handmill_routes(), openai_routes(), anthropic_routes(), ollama_routes()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return kRoutes;
}

Admission admit(const HttpRequest& head, const Service& service) {
  Admission admission;
  admission.dialect = dialect_of(head.path);
  if (auto fault = stranger(head, service)) {
    admission.answer = refusal(admission.dialect, *fault);
    return admission;
  }
  if (head.count("origin") == 1) {
    admission.headers.push_back(
        {"Access-Control-Allow-Origin", std::string(head.header("origin"))});
    admission.headers.push_back({"Access-Control-Expose-Headers", "X-Request-Id, Retry-After"});
    admission.headers.push_back({"Vary", "Origin"});
  }
  if (head.method == "OPTIONS") {
    admission.answer = preflight(head);
    return admission;
  }
  const auto caller = service.keys.find(head);
  if (caller) admission.caller = *caller;
  admission.answer = find_route(head, admission);
  const bool open = admission.route != nullptr && admission.route->access == Access::kPublic;
  // Who has no key learns of no path either.
  if (!caller && !open) admission.answer = unauthorized(admission.dialect);
  if (!admission.answer && head.count("content-encoding") > 0 &&
      !equal_ignoring_case(head.header("content-encoding"), "identity"))
    admission.answer = refusal(
        admission.dialect, {Fault::Kind::kUnsupported, "bodies come without Content-Encoding here",
                            "Content-Encoding"});
  return admission;
}

}  // namespace handmill::serve
