#include "net/client.h"

#include <fmt/format.h>
#include <utility>

#include "base/error.h"
#include "net/exchange.h"
#include "net/url.h"

namespace handmill::net {

struct Client::State {
  Options options;
  std::unique_ptr<Handles> handles;
};

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;
Client::~Client() = default;

Result<Client> Client::make(Options options) {
  HANDMILL_TRY(auto handles, Handles::make());
  return Client(
      std::make_unique<State>(State{.options = std::move(options), .handles = std::move(handles)}));
}

namespace {

Result<Url> next_of(const Url& url, const Response& response) {
  const std::string_view location = response.header("location");
  if (location.empty())
    return base::invalid("{}: a redirect ({}) that leads nowhere", url.place(), response.status);
  auto next = resolve(url, location);
  if (!next.ok())
    return base::make_error(next.error().code, "{}: a redirect ({}): {}", url.place(),
                            response.status, next.error().message);
  if (url.scheme == "https" && next->scheme == "http")
    return base::invalid("{}: a redirect from https to http, to {}; it is not followed",
                         url.place(), next->place());
  return next;
}

}  // namespace

Result<Response> Client::stream(const Request& request, const Sink& sink) {
  const Options& options = state_->options;
  HANDMILL_TRY(Url url, parse_url(request.url));
  const std::string origin = url.origin();
  const auto end =
      options.total_wait.count() > 0 ? Clock::now() + options.total_wait : Clock::time_point::max();
  const bool follows = !request.body && options.redirects_max > 0;
  // Who has once been led away may be led back by whoever has the word there: no secret then
  // either.
  bool with_secrets = true;
  for (int redirects = 0;; ++redirects) {
    const Exchange exchange{options, request, url, with_secrets, follows, end};
    HANDMILL_TRY(Response response, run(*state_->handles, exchange, sink));
    if (!follows || !is_redirect(response.status)) return response;
    if (redirects == options.redirects_max)
      return base::limit("{}: more than {} redirects", url.place(), options.redirects_max);
    HANDMILL_TRY(url, next_of(url, response));
    with_secrets = with_secrets && url.origin() == origin;
  }
}

Result<Response> Client::fetch(const Request& request, uint64_t bytes_max) {
  std::string body;
  bool too_large = false;
  auto response = stream(request, [&](const Response&, std::string_view piece) {
    too_large = piece.size() > bytes_max - body.size();
    if (!too_large) body += piece;
    return !too_large;
  });
  if (!response.ok()) return std::move(response).error();
  if (too_large)
    return base::limit("{}: an answer of more than {} bytes", parse_url(response->url)->place(),
                       bytes_max);
  response->body = std::move(body);
  return response;
}

}  // namespace handmill::net
