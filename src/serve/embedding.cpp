#include "serve/embedding.h"

#include <mutex>
#include <utility>

namespace handmill::serve {
namespace {

/// Keeps the ticket until the answer is there or the client has left.
class Embedding final : public Running, public std::enable_shared_from_this<Embedding> {
 public:
  void hold(std::unique_ptr<router::Ticket> ticket) {
    const std::lock_guard lock(mutex_);
    if (!dropped_) ticket_ = std::move(ticket);
  }
  void left() override { drop(); }
  void quiet() override {}  // a whole reply has no place for a sign of life
  void drop() {
    std::unique_ptr<router::Ticket> ticket;
    const std::lock_guard lock(mutex_);
    dropped_ = true;
    ticket.swap(ticket_);
  }

 private:
  std::mutex mutex_;
  bool dropped_ = false;
  std::unique_ptr<router::Ticket> ticket_;
};

}  // namespace

void embed(const std::shared_ptr<Exchange>& exchange, api::Embedding embedding,
           RenderEmbedding render) {
  router::Router& router = exchange->service().router;
  const auto info = router.find(embedding.model);
  exchange->account().model = info ? info->name : embedding.model;
  const auto running = std::make_shared<Embedding>();
  exchange->attach(running);
  using Answer = std::variant<router::EmbeddingAnswer, api::Fault>;
  const auto sink = [exchange, running, render = std::move(render)](Answer answer) {
    auto shared = std::make_shared<Answer>(std::move(answer));
    exchange->service().loop.post([exchange, running, render, shared] {
      running->drop();
      if (const auto* fault = std::get_if<api::Fault>(shared.get())) return exchange->fail(*fault);
      const auto& vectors = std::get<router::EmbeddingAnswer>(*shared);
      exchange->account().usage = vectors.usage;
      exchange->account().timings = vectors.timings;
      exchange->reply_json(render(exchange->identity(exchange->account().model), vectors));
    });
  };
  running->hold(router.submit(std::move(embedding), exchange->caller().owner, sink));
}

void preload(const std::shared_ptr<Exchange>& exchange, const std::string& model,
             api::KeepAlive keep_alive, RenderLoaded render) {
  const auto since = Clock::now();
  exchange->account().model = model;
  exchange->service().router.preload(
      model, keep_alive,
      [exchange, since, render = std::move(render)](std::optional<api::Fault> fault) {
        if (fault) return exchange->fail(*fault);
        api::Timings timings;
        timings.load_s = timings.total_s =
            std::chrono::duration<double>(Clock::now() - since).count();
        exchange->reply_json(render(exchange->identity(exchange->account().model), timings));
      });
}

}  // namespace handmill::serve
