#include "serve/net.h"

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.h"

namespace handmill::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kScratchBytes = 64 << 10;
constexpr size_t kTlsReadBytes = 4 << 10;
// The kernel's own buffer would otherwise grow to megabytes for a client that does not read.
constexpr int kSendBufferBytes = 128 << 10;
constexpr Milliseconds kAcceptPause{100};

void close_socket(tcp::socket& socket) {
  error_code ignored;
  socket.close(ignored);
}

/// Waits for bytes without a buffer of its own: the loop has one for all connections.
class Plain final : public Transport {
 public:
  Plain(tcp::socket socket, std::shared_ptr<std::vector<char>> scratch)
      : socket_(std::move(socket)), scratch_(std::move(scratch)) {}

  void start(std::function<void(bool)> done) override { done(true); }

  void read(OnRead done) override {
    socket_.async_wait(tcp::socket::wait_read, [this, done = std::move(done)](error_code error) {
      if (error) return done({}, false);
      const size_t bytes = socket_.read_some(asio::buffer(*scratch_), error);
      if (error == asio::error::would_block) return read(done);
      done({scratch_->data(), bytes}, !error);
    });
  }

  void write(std::string_view bytes, OnWrite done) override {
    socket_.async_write_some(
        asio::buffer(bytes.data(), bytes.size()),
        [done = std::move(done)](error_code error, size_t written) { done(written, !error); });
  }

  void shut_down(std::function<void()> done) override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    done();
  }

  void close() override { close_socket(socket_); }

  void dismiss(std::string_view bytes) override {
    error_code ignored;
    socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ignored);
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    close();
  }

 private:
  tcp::socket socket_;
  std::shared_ptr<std::vector<char>> scratch_;
};

class Encrypted final : public Transport {
 public:
  Encrypted(tcp::socket socket, asio::ssl::context& context)
      : stream_(std::move(socket), context) {}

  void start(std::function<void(bool)> done) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [done = std::move(done)](error_code error) { done(!error); });
  }

  void read(OnRead done) override {
    stream_.async_read_some(asio::buffer(buffer_),
                            [this, done = std::move(done)](error_code error, size_t bytes) {
                              done({buffer_.data(), bytes}, !error);
                            });
  }

  void write(std::string_view bytes, OnWrite done) override {
    stream_.async_write_some(
        asio::buffer(bytes.data(), bytes.size()),
        [done = std::move(done)](error_code error, size_t written) { done(written, !error); });
  }

  void shut_down(std::function<void()> done) override {
    stream_.async_shutdown([done = std::move(done)](error_code) { done(); });
  }

  void close() override { close_socket(stream_.next_layer()); }
  void dismiss(std::string_view) override { close(); }

 private:
  asio::ssl::stream<tcp::socket> stream_;
  std::array<char, kTlsReadBytes> buffer_{};
};

class OpensslTls final : public Tls {
 public:
  asio::ssl::context context{asio::ssl::context::tls_server};
};

std::vector<tcp::endpoint> endpoints_of(const std::string& host, int port, error_code& error) {
  const auto number = static_cast<asio::ip::port_type>(port);
  if (host == "localhost")
    return {{asio::ip::address_v4::loopback(), number}, {asio::ip::address_v6::loopback(), number}};
  const auto address = asio::ip::make_address(host, error);
  if (!error) return {{address, number}};
  error = {};
  asio::io_context context;
  tcp::resolver resolver(context);
  std::vector<tcp::endpoint> found;
  for (const auto& entry : resolver.resolve(host, std::to_string(port), error))
    found.push_back(entry.endpoint());
  return found;
}

}  // namespace

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  error_code error;
  const auto address = asio::ip::make_address(std::string(host), error);
  return !error && address.is_loopback();
}

Result<std::shared_ptr<Tls>> Tls::load(const std::string& certificate_file,
                                       const std::string& key_file) {
  auto tls = std::make_shared<OpensslTls>();
  error_code error;
  tls->context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1);
  SSL_CTX_set_mode(tls->context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  tls->context.use_certificate_chain_file(certificate_file, error);
  if (error) return base::invalid("--tls-cert {}: {}", certificate_file, error.message());
  tls->context.use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error) return base::invalid("--tls-key {}: {}", key_file, error.message());
  if (SSL_CTX_check_private_key(tls->context.native_handle()) != 1)
    return base::invalid("--tls-key {} does not belong to --tls-cert {}", key_file,
                         certificate_file);
  return std::shared_ptr<Tls>(std::move(tls));
}

struct Loop::State {
  struct Listener {
    tcp::acceptor acceptor;
    std::shared_ptr<Tls> tls;
    OnAccept on_accept;
    asio::steady_timer pause;
  };

  std::mutex mutex;  // of `open`: posts come from any thread until the context goes
  bool open = true;
  std::optional<asio::io_context> context{std::in_place, 1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{
      context->get_executor()};
  std::shared_ptr<std::vector<char>> scratch = std::make_shared<std::vector<char>>(kScratchBytes);
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<asio::steady_timer>> timers;
  std::thread thread;
  std::atomic<std::thread::id> thread_id;

  Status bind(const tcp::endpoint& endpoint, Listener& listener);
  void accept(Listener& listener);
  void take(Listener& listener, tcp::socket socket);
  void again(asio::steady_timer& timer, Milliseconds interval, const std::function<void()>& run);
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() { stop(); }

void Loop::post(std::function<void()> work) {
  const std::lock_guard lock(state_->mutex);
  if (state_->open) asio::post(*state_->context, std::move(work));
}

bool Loop::here() const { return std::this_thread::get_id() == state_->thread_id.load(); }

Status Loop::State::bind(const tcp::endpoint& endpoint, Listener& listener) {
  error_code error;
  listener.acceptor.open(endpoint.protocol(), error);
  if (!error) listener.acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6())
    listener.acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) listener.acceptor.bind(endpoint, error);
  if (!error) listener.acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return {};
  return base::io("cannot listen on {} port {}: {}", endpoint.address().to_string(),
                  endpoint.port(), error.message());
}

Result<int> Loop::listen(const std::string& host, int port, std::shared_ptr<Tls> tls,
                         OnAccept on_accept) {
  error_code error;
  const std::vector<tcp::endpoint> endpoints = endpoints_of(host, port, error);
  if (error || endpoints.empty())
    return base::not_found("--host {}: {}", host, error ? error.message() : "no such address");
  Error first;
  for (tcp::endpoint endpoint : endpoints) {
    if (!state_->listeners.empty()) endpoint.port(static_cast<asio::ip::port_type>(port));
    auto listener = std::make_unique<State::Listener>(State::Listener{
        tcp::acceptor(*state_->context), tls, on_accept, asio::steady_timer(*state_->context)});
    if (Status status = state_->bind(endpoint, *listener); !status.ok()) {
      if (first.message.empty()) first = status.error();
      continue;  // a machine without IPv6 has no ::1
    }
    port = listener->acceptor.local_endpoint(error).port();
    state_->accept(*listener);
    state_->listeners.push_back(std::move(listener));
  }
  if (state_->listeners.empty()) return first;
  return port;
}

void Loop::State::accept(Listener& listener) {
  listener.acceptor.async_accept([this, &listener](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !listener.acceptor.is_open()) return;
    if (!error) {
      take(listener, std::move(socket));
      return accept(listener);
    }
    // No descriptors are left, or the like: accepting again at once would only spin.
    listener.pause.expires_after(kAcceptPause);
    listener.pause.async_wait([this, &listener](error_code stopped) {
      if (!stopped) accept(listener);
    });
  });
}

void Loop::State::take(Listener& listener, tcp::socket socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
  socket.non_blocking(true, ignored);
  if (listener.tls)
    listener.on_accept(std::make_unique<Encrypted>(
        std::move(socket), static_cast<OpensslTls&>(*listener.tls).context));
  else
    listener.on_accept(std::make_unique<Plain>(std::move(socket), scratch));
}

void Loop::every(Milliseconds interval, std::function<void()> work) {
  state_->timers.push_back(std::make_unique<asio::steady_timer>(*state_->context));
  state_->again(*state_->timers.back(), interval, work);
}

void Loop::State::again(asio::steady_timer& timer, Milliseconds interval,
                        const std::function<void()>& run) {
  timer.expires_after(interval);
  timer.async_wait([this, &timer, interval, run](error_code stopped) {
    if (stopped) return;
    run();
    again(timer, interval, run);
  });
}

void Loop::start() {
  state_->thread = std::thread([state = state_.get()] {
    state->thread_id = std::this_thread::get_id();
    state->context->run();
  });
}

void Loop::stop_listening() {
  post([state = state_.get()] {
    error_code ignored;
    for (auto& listener : state->listeners) {
      listener->acceptor.close(ignored);
      listener->pause.cancel();
    }
  });
}

void Loop::stop() {
  if (!state_->context) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->open = false;
  }
  state_->context->stop();
  if (state_->thread.joinable()) state_->thread.join();
  state_->listeners.clear();
  state_->timers.clear();
  state_->work.reset();
  state_->context.reset();
}

}  // namespace handmill::serve
