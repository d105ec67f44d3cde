#include "load/client.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <queue>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load/connection.h"

namespace handmill::load {
namespace {

class Client {
 public:
  Client(const Target& target, const Settings& settings, const Limits& limits)
      : target_(target), settings_(settings), limits_(limits), plan_(settings) {}
  ~Client() {
    if (epoll_ >= 0) ::close(epoll_);
  }

  Result<Run> run();

 private:
  struct Timer {
    double at_s;
    size_t slot;
    int number;  // the timer is void when another request has the slot
    bool leave;
    bool operator>(const Timer& other) const { return at_s > other.at_s; }
  };

  double now() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  bool more() const;
  bool room() const;
  bool finished() const { return open_ == 0 && !more(); }
  void start_due();
  void start(double arrival_s);
  void fire_timers();
  int wait_ms() const;
  void on_event(const epoll_event& event);
  void end(size_t slot);

  const Target& target_;
  const Settings& settings_;
  const Limits& limits_;
  Plan plan_;
  int epoll_ = -1;
  std::chrono::steady_clock::time_point begin_;
  size_t next_ = 0;  // request to start
  int open_ = 0;
  std::vector<std::unique_ptr<Connection>> slots_;
  std::vector<size_t> free_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  Run run_;
};

bool Client::more() const {
  if (next_ == plan_.arrivals().size()) return false;
  return settings_.rate > 0 || settings_.duration_s <= 0 || now() < settings_.duration_s;
}

bool Client::room() const { return settings_.rate > 0 || open_ < settings_.users; }

void Client::start_due() {
  while (more() && room()) {
    const double time = now(), planned = settings_.rate > 0 ? plan_.arrivals()[next_] : time;
    if (planned > time) break;
    start(planned);
  }
}

void Client::start(double arrival_s) {
  const int number = static_cast<int>(next_++);
  if (open_ == limits_.open_max) {
    run_.outcomes.push_back({.error = "not sent",
                             .detail = "as many connections as allowed were open",
                             .arrival_s = arrival_s,
                             .end_s = now()});
    return;
  }
  size_t slot = slots_.size();
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot] = std::make_unique<Connection>(target_, plan_, number, arrival_s);
  Connection& connection = *slots_[slot];
  run_.peak_open = std::max(run_.peak_open, ++open_);
  if (connection.ended()) return end(slot);
  epoll_event event{.events = EPOLLOUT | EPOLLIN, .data = {.u64 = slot}};
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event);
  timers_.push({arrival_s + limits_.timeout_s, slot, number, false});
  if (const std::optional<Leave>& leave = connection.leave(); leave && leave->after_s)
    timers_.push({arrival_s + *leave->after_s, slot, number, true});
}

void Client::fire_timers() {
  while (!timers_.empty() && timers_.top().at_s <= now()) {
    const Timer timer = timers_.top();
    timers_.pop();
    Connection* connection = slots_[timer.slot].get();
    if (!connection || connection->number() != timer.number) continue;
    if (timer.leave)
      connection->go(now());
    else
      connection->fail("timeout", fmt::format("after {} s", limits_.timeout_s), now());
    end(timer.slot);
  }
}

int Client::wait_ms() const {
  double until = now() + 1;
  if (!timers_.empty()) until = std::min(until, timers_.top().at_s);
  if (settings_.rate > 0 && next_ < plan_.arrivals().size())
    until = std::min(until, plan_.arrivals()[next_]);
  return std::max(0, static_cast<int>(std::ceil((until - now()) * 1000)));
}

void Client::on_event(const epoll_event& event) {
  const size_t slot = event.data.u64;
  Connection* connection = slots_[slot].get();
  if (!connection) return;
  if (connection->sending() && event.events & (EPOLLOUT | EPOLLERR)) {
    connection->on_writable(now());
    if (!connection->ended() && !connection->sending()) {
      epoll_event reading{.events = EPOLLIN, .data = {.u64 = slot}};
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->fd(), &reading);
    }
  }
  if (!connection->ended() && event.events & (EPOLLIN | EPOLLHUP | EPOLLERR))
    connection->on_readable(now());
  if (connection->ended()) end(slot);
}

void Client::end(size_t slot) {
  run_.outcomes.push_back(slots_[slot]->take_outcome());
  slots_[slot].reset();
  free_.push_back(slot);
  --open_;
}

Result<Run> Client::run() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0)
    return Error{Code::kIo, fmt::format("cannot wait for sockets: {}", std::strerror(errno))};
  begin_ = std::chrono::steady_clock::now();
  std::vector<epoll_event> events(256);
  while (!finished()) {
    start_due();
    fire_timers();
    if (finished()) break;
    // A request that failed at once leaves room for the next one.
    const int wait = more() && room() && settings_.rate <= 0 ? 0 : wait_ms();
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait);
    for (int i = 0; i < count; ++i) on_event(events[static_cast<size_t>(i)]);
  }
  return std::move(run_);
}

Error not_here(std::string_view url) {
  return Error{Code::kInvalid,
               fmt::format("'{}' is not http:// and a server on this machine: 127.x.x.x, localhost "
                           "or [::1], with a port",
                           url)};
}

}  // namespace

Result<Target> read_target(std::string_view url) {
  std::string_view rest = url;
  if (!rest.starts_with("http://")) return not_here(url);
  rest.remove_prefix(7);
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash), prefix = rest.substr(slash);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  for (const char c : rest)
    if (c <= ' ' || c == '?' || c == '#' || c == '@' || c > '~') return not_here(url);
  Target target{.host = std::string(authority), .prefix = std::string(prefix)};
  const size_t bracket = authority.find(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), target.port);
    if (error != std::errc{} || end != port.data() + port.size() || target.port == 0)
      return not_here(url);
  }
  const std::string host(authority.substr(0, colon));
  in_addr address{};
  if (host == "localhost") {
    target.address = INADDR_LOOPBACK;
  } else if (host == "[::1]") {
    target.v6 = true;
  } else if (::inet_pton(AF_INET, host.c_str(), &address) == 1 &&
             ntohl(address.s_addr) >> 24 == 127) {
    target.address = ntohl(address.s_addr);
  } else {
    return not_here(url);
  }
  return target;
}

Result<Run> run(const Target& target, const Settings& settings, const Limits& limits) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  return Client(target, settings, limits).run();
}

}  // namespace handmill::load
