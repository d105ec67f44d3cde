#include "serve/server.h"

#include <fmt/format.h>
#include <future>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "serve/connection.h"
#include "serve/service.h"

namespace handmill::serve {
namespace {

constexpr Milliseconds kTick{100};

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    "Content-Length: 102\r\nConnection: close\r\n\r\n"
    R"({"error":{"message":"too many connections; try again","type":"overloaded_error","code":)"
    R"("server_busy"}})";
static_assert(kFull.size() - kFull.find("\r\n\r\n") - 4 == 102);

}  // namespace

struct Server::State {
  std::shared_ptr<Service> service;
  std::string url;
  int port = 0;
  // Loop thread alone.
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections;
  std::optional<Clock::time_point> drain_end;
  bool ended = false;

  void accept(std::unique_ptr<Transport> transport);
  void tick();
  void each(const std::function<void(Connection&)>& run);
};

void Server::State::accept(std::unique_ptr<Transport> transport) {
  if (ended) return transport->dismiss({});
  if (connections.size() >= service->limits.connections) {
    service->refused.fetch_add(1);
    return transport->dismiss(kFull);
  }
  const auto connection =
      std::make_shared<Connection>(service, std::move(transport), [this](Connection& closed) {
        connections.erase(&closed);
        service->connections = static_cast<int>(connections.size());
      });
  connections.emplace(connection.get(), connection);
  service->connections = static_cast<int>(connections.size());
  connection->start();
}

/// Connections may close, and so leave the table, meanwhile.
void Server::State::each(const std::function<void(Connection&)>& run) {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections.size());
  for (const auto& [key, connection] : connections) all.push_back(connection);
  for (const auto& connection : all) run(*connection);
}

void Server::State::tick() {
  const auto now = Clock::now();
  each([now](Connection& connection) { connection.tick(now); });
  if (drain_end && now > *drain_end) each([](Connection& connection) { connection.close(); });
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
  // Connections live on the loop, and end there before it does.
  std::promise<void> closed;
  state_->service->loop.stop_listening();
  state_->service->loop.post([this, &closed] {
    state_->ended = true;
    state_->each([](Connection& connection) { connection.close(); });
    closed.set_value();
  });
  closed.get_future().wait();
  state_->service->stop();
}

Result<std::unique_ptr<Server>> Server::make(Options options, router::Router& router) {
  const bool loopback = is_loopback(options.host);
  if (!loopback && options.keys.empty())
    return base::invalid(
        "--host {} lets other machines in, and then API keys are needed: --api-key-file, or "
        "HANDMILL_API_KEYS",
        options.host);
  if (options.tls_certificate.empty() != options.tls_key.empty())
    return base::invalid("--tls-cert and --tls-key go together");
  std::shared_ptr<Tls> tls;
  if (!options.tls_key.empty()) {
    HANDMILL_TRY(tls, Tls::load(options.tls_certificate, options.tls_key));
  }

  auto state = std::make_unique<State>();
  state->service = std::make_shared<Service>(
      router, options.limits, std::move(options.keys),
      Guard(loopback, std::move(options.allow_origins), std::move(options.allow_hosts)),
      options.workers, std::move(options.log));
  Loop& loop = state->service->loop;
  HANDMILL_TRY(state->port, loop.listen(options.host, options.port, tls,
                                        [state = state.get()](std::unique_ptr<Transport> accepted) {
                                          state->accept(std::move(accepted));
                                        }));
  const bool v6 = options.host.find(':') != std::string::npos;
  state->url = fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", v6 ? "[" : "", options.host,
                           v6 ? "]" : "", state->port);
  loop.every(kTick, [state = state.get()] { state->tick(); });
  loop.start();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

int Server::port() const { return state_->port; }
std::string Server::url() const { return state_->url; }

void Server::drain() {
  state_->service->draining = true;
  state_->service->router.drain();
  state_->service->loop.stop_listening();
  state_->service->loop.post([state = state_.get()] {
    state->drain_end = Clock::now() + state->service->limits.drain_wait;
    state->each([](Connection& connection) { connection.drain(); });
  });
}

bool Server::drained() const {
  return state_->service->draining && state_->service->connections == 0;
}

}  // namespace handmill::serve
