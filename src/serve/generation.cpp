#include "serve/generation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace handmill::serve {
namespace {

using api::Finish;

const char* name_of(Finish finish) {
  switch (finish) {
    case Finish::kStop: return "stop";
    case Finish::kLength: return "length";
    case Finish::kContext: return "context";
    case Finish::kCancelled: return "cancelled";
    case Finish::kError: break;
  }
  return "error";
}

class Generation final : public Running, public std::enable_shared_from_this<Generation> {
 public:
  Generation(std::shared_ptr<Exchange> exchange, std::unique_ptr<api::Reply> reply,
             std::string model)
      : exchange_(std::move(exchange)), reply_(std::move(reply)), model_(std::move(model)) {}

  void submit(api::Completion completion) {
    router::Router& router = exchange_->service().router;
    hold(router.submit(
        std::move(completion), exchange_->caller().owner,
        [self = shared_from_this()](router::Event event) { self->push(std::move(event)); }));
  }

  void left() override {
    left_ = true;
    drop();
  }
  void quiet() override;

 private:
  struct Arrived {
    router::Event event;
    Clock::time_point when;
  };

  void push(router::Event event);  // any thread
  void deliver(Wire* wire);
  void take(Arrived arrived);
  void begin(const api::Usage& usage);
  void note_gap(int choice, Clock::time_point when);
  void finish(const api::End& end);
  void fail(const api::Fault& fault);
  void open();
  void hold(std::unique_ptr<router::Ticket> ticket);
  void drop();

  const std::shared_ptr<Exchange> exchange_;
  const std::unique_ptr<api::Reply> reply_;
  const std::string model_;

  std::mutex mutex_;  // of the inbox and the ticket
  std::vector<Arrived> inbox_;
  bool posted_ = false;  // somebody comes for the inbox
  bool dropped_ = false;
  std::unique_ptr<router::Ticket> ticket_;

  // Loop thread alone.
  Wire* wire_ = nullptr;  // inside deliver() and quiet()
  bool left_ = false;
  bool begun_ = false;
  bool opened_ = false;
  bool over_ = false;
  std::string out_;
  std::map<int, Clock::time_point> last_piece_;  // of each choice
  std::vector<Finish> finishes_;
};

void Generation::hold(std::unique_ptr<router::Ticket> ticket) {
  const std::lock_guard lock(mutex_);
  if (!dropped_) ticket_ = std::move(ticket);
  // Otherwise it goes with this call: the client left, or the end came, while it was made.
}

void Generation::drop() {
  std::unique_ptr<router::Ticket> ticket;
  const std::lock_guard lock(mutex_);
  dropped_ = true;
  ticket.swap(ticket_);
}

void Generation::push(router::Event event) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.push_back({std::move(event), Clock::now()});
    if (std::exchange(posted_, true)) return;
  }
  exchange_->service().loop.post([self = shared_from_this()] {
    self->exchange_->on_loop([&self](Wire* wire) { self->deliver(wire); });
  });
}

/// All that has come since the last time, as one piece of output.
void Generation::deliver(Wire* wire) {
  std::vector<Arrived> arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(inbox_);
    posted_ = false;
  }
  wire_ = wire;
  for (Arrived& one : arrived)
    if (!over_) take(std::move(one));
  if (!over_ && opened_ && !left_ && wire_ != nullptr && !out_.empty())
    wire_->send(std::exchange(out_, {}));
  wire_ = nullptr;
}

void Generation::take(Arrived arrived) {
  struct Visitor {
    Generation& to;
    Clock::time_point when;
    void operator()(router::Started& started) { to.begin(started.usage); }
    void operator()(api::Delta& delta) {
      to.note_gap(delta.choice, when);
      to.begin({});
      if (!to.left_) to.reply_->delta(std::move(delta), to.out_);
    }
    void operator()(api::ChoiceEnd& end) {
      to.finishes_.push_back(end.finish);
      to.begin({});
      if (!to.left_) to.reply_->end(std::move(end), to.out_);
    }
    void operator()(api::End& end) { to.finish(end); }
    void operator()(api::Fault& fault) { to.fail(fault); }
  };
  std::visit(Visitor{*this, arrived.when}, arrived.event);
}

void Generation::begin(const api::Usage& usage) {
  if (std::exchange(begun_, true) || left_) return;
  open();
  reply_->begin(exchange_->identity(model_), usage, out_);
}

/// The head of a reply that streams; its status can be no other after that.
void Generation::open() {
  if (!reply_->streams() || wire_ == nullptr || std::exchange(opened_, true)) return;
  Response head = exchange_->head(200, reply_->content_type());
  head.headers.push_back({"Cache-Control", "no-cache"});
  head.headers.push_back({"X-Accel-Buffering", "no"});  // nginx would hold the pieces back
  wire_->open(std::move(head));
}

void Generation::quiet() {
  const std::string_view ping = reply_->ping();
  if (!reply_->streams() || ping.empty() || over_ || left_) return;
  exchange_->on_loop([this, ping](Wire* wire) {
    if (wire == nullptr) return;
    wire_ = wire;
    open();
    wire->send(ping);
    wire_ = nullptr;
  });
}

void Generation::note_gap(int choice, Clock::time_point when) {
  const auto [at, first] = last_piece_.try_emplace(choice, when);
  if (!first)
    exchange_->service().metrics.token_gap(
        model_, std::chrono::duration<double>(when - at->second).count());
  at->second = when;
}

void Generation::finish(const api::End& end) {
  begin(end.usage);
  over_ = true;
  Account& account = exchange_->account();
  account.usage = end.usage;
  account.timings = end.timings;
  account.finish = finishes_.empty() ? "" : name_of(finishes_.front());
  exchange_->service().metrics.ended(model_, {end.usage, end.timings, finishes_});
  drop();
  if (left_ || wire_ == nullptr) return exchange_->settle(kClientLeft);
  reply_->finish(end, out_);
  if (!reply_->streams())
    return exchange_->reply({200, std::string(reply_->content_type()), std::move(out_), {}});
  exchange_->settle(200);
  wire_->send(out_);
  wire_->finish();
}

void Generation::fail(const api::Fault& fault) {
  over_ = true;
  drop();
  exchange_->account().finish = "error";
  exchange_->account().note = fault.message;
  if (left_ || wire_ == nullptr) return exchange_->settle(kClientLeft);
  if (!opened_) return exchange_->fail(fault);
  if (!begun_) reply_->begin(exchange_->identity(model_), {}, out_);  // only pings were sent
  reply_->fail(fault, out_);
  exchange_->settle(200);
  wire_->send(out_);
  wire_->finish();
}

}  // namespace

void generate(const std::shared_ptr<Exchange>& exchange, api::Asked asked) {
  const auto info = exchange->service().router.find(asked.completion.model);
  Account& account = exchange->account();
  account.model = info ? info->name : asked.completion.model;
  if (!asked.ignored.empty())
    account.note = fmt::format("passed over: {}", fmt::join(asked.ignored, ", "));
  const auto generation =
      std::make_shared<Generation>(exchange, std::move(asked.reply), account.model);
  exchange->attach(generation);
  generation->submit(std::move(asked.completion));
}

}  // namespace handmill::serve
