#include "serve/connection.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace handmill::serve {
namespace {

constexpr size_t kPieceBytes = 64 << 10;
// Of a chunk's header, or of requests sent ahead; a reader needs no more at once.
constexpr size_t kAheadBytes = 16 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// Whatever a library throws ends one request alone.
void run_handler(const Route& route, const std::shared_ptr<Exchange>& exchange) {
  try {
    route.handle(exchange);
  } catch (const std::bad_alloc&) {
    exchange->fail({api::Fault::Kind::kUnavailable, "there is no memory left for this", {}});
  } catch (const std::exception& error) {
    exchange->fail({api::Fault::Kind::kInternal, error.what(), {}});
  }
}

Milliseconds passed(Clock::time_point since, Clock::time_point now) {
  return std::chrono::duration_cast<Milliseconds>(now - since);
}

}  // namespace

Connection::Connection(std::shared_ptr<Service> service, std::unique_ptr<Transport> transport,
                       std::function<void(Connection&)> closed)
    : service_(std::move(service)),
      transport_(std::move(transport)),
      closed_(std::move(closed)),
      parser_(service_->limits),
      output_share_(service_) {}

void Connection::start() {
  transport_->start([self = shared_from_this()](bool ok) {
    if (self->state_ == State::kClosed) return;
    if (!ok) return self->close();
    self->enter(State::kIdle);
    self->read_more();
  });
}

void Connection::enter(State state) {
  state_ = state;
  since_ = Clock::now();
}

void Connection::read_more() {
  if (reading_ || state_ == State::kClosed) return;
  // While a reply is made, reading only serves to see the client leave; what it sends ahead waits.
  if (state_ == State::kBusy && ahead_.size() >= kAheadBytes) return;
  reading_ = true;
  transport_->read([self = shared_from_this()](std::string_view bytes, bool ok) {
    self->reading_ = false;
    if (self->state_ == State::kClosed) return;
    if (!ok) return self->close();
    self->on_bytes(bytes);
    self->read_more();
  });
}

void Connection::on_bytes(std::string_view bytes) {
  if (state_ == State::kLinger) return;
  if (state_ == State::kBusy || !ahead_.empty()) {
    ahead_.append(bytes);
    if (state_ != State::kBusy) {
      const std::string all = std::move(ahead_);
      ahead_.clear();
      parse(all);
    }
    return;
  }
  parse(bytes);
}

/// Takes what belongs to one request, and keeps the rest.
void Connection::parse(std::string_view bytes) {
  using Step = HttpParser::Step;
  while (state_ == State::kIdle || state_ == State::kReading) {
    const Step step = parser_.put(bytes);
    if (state_ == State::kIdle && parser_.started()) enter(State::kReading);
    if (step == Step::kFailed) {
      refuse(parser_.failure().status, parser_.failure().message);
      break;
    }
    if (step == Step::kHead) {
      if (!take_head()) break;
      continue;
    }
    if (parser_.body_bytes() > 0) {
      if (!body_share_) body_share_ = std::make_unique<Share>(service_);
      body_share_->set(0);
      if (!body_share_->fits(parser_.body_bytes())) {
        refuse(503, "the server holds as many bytes as it may; try again");
        break;
      }
      body_share_->set(parser_.body_bytes());
    }
    if (step == Step::kDone) {
      dispatch();
      break;
    }
    if (bytes.size() > service_->limits.header_bytes + kAheadBytes)
      refuse(400, "this is no HTTP request: a line without end");
    break;
  }
  if (state_ != State::kClosed && state_ != State::kLinger) ahead_.assign(bytes);
}

bool Connection::take_head() {
  const HttpRequest& head = parser_.head();
  body_since_ = Clock::now();
  head_only_ = head.method == "HEAD";
  keep_alive_ = head.keep_alive && !service_->draining;
  admission_ = admit(head, *service_);
  if (!admission_.answer) {
    if (head.has_body && equal_ignoring_case(head.header("expect"), "100-continue"))
      put(std::string(kContinue));
    return true;
  }
  // The rest of a refused request's body is not read, so the connection ends with the reply.
  if (head.has_body) keep_alive_ = false;
  Response answer = std::move(*admission_.answer);
  admission_.answer.reset();
  exchange_ = std::make_shared<Exchange>(service_, parser_.take(), std::exchange(admission_, {}),
                                         weak_from_this());
  enter(State::kBusy);
  exchange_->reply(std::move(answer));
  return false;
}

void Connection::dispatch() {
  const Route* route = admission_.route;
  exchange_ = std::make_shared<Exchange>(service_, parser_.take(), std::exchange(admission_, {}),
                                         weak_from_this());
  exchange_->take_share(std::move(body_share_));
  enter(State::kBusy);
  if (route->method != "POST") return run_handler(*route, exchange_);
  service_->workers.post([exchange = exchange_, route] {
    run_handler(*route, exchange);
    exchange->release_body();
  });
}

/// Answers a request that could not be read; nothing after it can.
void Connection::refuse(int status, const std::string& message) {
  keep_alive_ = false;
  body_share_.reset();
  api::Fault fault{api::Fault::Kind::kInvalid, message, {}};
  if (status == 413) fault.kind = api::Fault::Kind::kTooLarge;
  if (status == 503) fault.kind = api::Fault::Kind::kBusy;
  HttpRequest request = parser_.head();
  head_only_ = request.method == "HEAD";
  if (request.method.empty()) request.method = request.path = "?";
  exchange_ = std::make_shared<Exchange>(service_, std::move(request),
                                         std::exchange(admission_, {}), weak_from_this());
  enter(State::kBusy);
  Response response = exchange_->fault_response(fault);
  response.status = status;
  exchange_->reply(std::move(response));
}

void Connection::respond(Response response) {
  if (state_ != State::kBusy || complete_) return;
  if (service_->draining) keep_alive_ = false;
  framing_ = Framing::kLength;
  std::string head = response_head(response, framing_, keep_alive_);
  complete_ = true;
  if (head_only_ || response.body.empty()) return put(std::move(head));
  // A large body is moved, not copied.
  if (response.body.size() < kPieceBytes) return put(std::move(head) + response.body);
  output_.push_back(std::move(head));
  output_bytes_ += output_.back().size();
  put(std::move(response.body));
}

void Connection::open(Response head) {
  if (state_ != State::kBusy || complete_) return;
  if (service_->draining) keep_alive_ = false;
  framing_ = exchange_->request().version == 11 ? Framing::kChunked : Framing::kClose;
  if (framing_ == Framing::kClose) keep_alive_ = false;
  put(response_head(head, framing_, keep_alive_));
}

void Connection::send(std::string_view bytes) {
  if (state_ != State::kBusy || complete_ || bytes.empty() || head_only_) return;
  if (output_bytes_ > service_->limits.output_bytes || !output_share_.fits(bytes.size()))
    return close();  // it does not read, and what it does not read is not kept for it
  if (framing_ == Framing::kClose) return put(std::string(bytes));
  std::string chunk;
  chunk.reserve(bytes.size() + 16);
  append_chunk(bytes, chunk);
  put(std::move(chunk));
}

void Connection::finish() {
  if (state_ != State::kBusy || complete_) return;
  complete_ = true;
  if (framing_ == Framing::kChunked && !head_only_) return put(std::string(kLastChunk));
  if (output_bytes_ == 0) reply_sent();
}

void Connection::put(std::string bytes) {
  if (output_bytes_ == 0) moved_ = Clock::now();
  output_bytes_ += bytes.size();
  output_share_.set(output_bytes_);
  // The first piece may be on its way, and must not move.
  if (output_.size() > (writing_ ? 1U : 0U) && output_.back().size() + bytes.size() <= kPieceBytes)
    output_.back().append(bytes);
  else
    output_.push_back(std::move(bytes));
  write_more();
}

void Connection::write_more() {
  if (writing_ || output_.empty() || state_ == State::kClosed) return;
  writing_ = true;
  transport_->write(std::string_view(output_.front()).substr(written_),
                    [self = shared_from_this()](size_t bytes, bool ok) {
                      self->writing_ = false;
                      self->on_written(bytes, ok);
                    });
}

void Connection::on_written(size_t bytes, bool ok) {
  if (state_ == State::kClosed) return;
  if (!ok) return close();
  moved_ = Clock::now();
  written_ += bytes;
  output_bytes_ -= bytes;
  output_share_.set(output_bytes_);
  if (written_ == output_.front().size()) {
    output_.pop_front();
    written_ = 0;
  }
  if (!output_.empty()) return write_more();
  if (complete_) reply_sent();
}

void Connection::reply_sent() {
  complete_ = false;
  exchange_.reset();
  if (!keep_alive_ || service_->draining) {
    // Closing with bytes unread would reset the connection, and the client might lose the reply.
    enter(State::kLinger);
    ahead_ = {};
    transport_->shut_down([self = shared_from_this()] {});
    return read_more();
  }
  enter(State::kIdle);
  const std::string all = std::move(ahead_);
  ahead_ = {};
  if (!all.empty()) parse(all);
  read_more();
}

void Connection::tick(Clock::time_point now) {
  const Limits& limits = service_->limits;
  const Milliseconds here = passed(since_, now);
  if (output_bytes_ > 0 && passed(moved_, now) > limits.stall_wait) return close();
  switch (state_) {
    case State::kStart:
      if (here > limits.header_wait) close();
      return;
    case State::kIdle:
      if (here > limits.idle_wait) close();
      return;
    case State::kReading: {
      const bool head = parser_.head().method.empty();
      const auto earned = Milliseconds(parser_.body_bytes() * 1000 / limits.body_bytes_per_s);
      if (head && here > limits.header_wait) refuse(408, "the header took too long");
      if (!head && passed(body_since_, now) > limits.body_wait + earned)
        refuse(408, "the body took too long");
      return;
    }
    case State::kBusy:
      if (output_bytes_ == 0 && passed(std::max(moved_, since_), now) > limits.quiet_wait) {
        moved_ = now;
        if (const auto exchange = exchange_) exchange->quiet();
      }
      return;
    case State::kLinger:
      if (here > limits.linger_wait) close();
      return;
    case State::kClosed: return;
  }
}

void Connection::drain() {
  if (state_ == State::kIdle || state_ == State::kStart) return close();
  keep_alive_ = false;
}

void Connection::close() {
  if (state_ == State::kClosed) return;
  const auto self = shared_from_this();  // `closed_` lets go of it
  enter(State::kClosed);
  transport_->close();
  output_share_.set(0);
  body_share_.reset();
  if (const auto exchange = std::move(exchange_)) exchange->client_left();
  closed_(*this);
}

}  // namespace handmill::serve
