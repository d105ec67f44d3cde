#include "serve/exchange.h"

#include <algorithm>
#include <fmt/format.h>
#include <random>

#include "base/quote.h"

namespace handmill::serve {
namespace {

std::string new_id() {
  static constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static thread_local std::random_device device;
  std::uniform_int_distribution<size_t> letter(0, kLetters.size() - 1);
  std::string id(24, ' ');
  for (char& c : id) c = kLetters[letter(device)];
  return id;
}

/// As it is where a line can show it, quoted where not.
std::string shown(std::string_view text) {
  constexpr size_t kLongest = 80;
  const bool plain =
      !text.empty() && text.size() <= kLongest &&
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"'; });
  return plain ? std::string(text) : base::quoted(text, kLongest);
}

/// " prompt=120 (80 cached) TTFT 52 ms PP 712 tok/s TG 67.1 tok/s 42 tokens"
std::string figures(const api::Usage& usage, const api::Timings& times) {
  std::string out = fmt::format(" prompt={} ({} cached)", usage.prompt_tokens, usage.cached_tokens);
  if (usage.completion_tokens == 0) return out;
  out += fmt::format(" TTFT {:.0f} ms", times.ttft_s * 1e3);
  const int computed = usage.prompt_tokens - usage.cached_tokens;
  if (times.prefill_s > 0) out += fmt::format(" PP {:.1f} tok/s", computed / times.prefill_s);
  if (usage.completion_tokens > 1 && times.decode_s > 0)
    out += fmt::format(" TG {:.1f} tok/s", (usage.completion_tokens - 1) / times.decode_s);
  return out + fmt::format(" {} tokens", usage.completion_tokens);
}

}  // namespace

Exchange::Exchange(std::shared_ptr<Service> service, HttpRequest request, Admission admission,
                   std::weak_ptr<Wire> wire)
    : service_(std::move(service)),
      request_(std::move(request)),
      admission_(std::move(admission)),
      wire_(std::move(wire)),
      id_(new_id()) {}

api::Identity Exchange::identity(std::string model) const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {id_, std::chrono::duration_cast<std::chrono::nanoseconds>(now).count(), std::move(model),
          std::string(kVersion)};
}

void Exchange::on_loop(Work work) {
  if (service_->loop.here()) {
    work(left_ ? nullptr : wire_.lock().get());
    return;
  }
  service_->loop.post([self = shared_from_this(), work = std::move(work)] {
    work(self->left_ ? nullptr : self->wire_.lock().get());
  });
}

void Exchange::reply(Response response) {
  on_loop([self = shared_from_this(), response = std::move(response)](Wire* wire) mutable {
    const int status = response.status;
    const Response common = self->head(status, {});
    response.headers.insert(response.headers.end(), common.headers.begin(), common.headers.end());
    // Settled first: who has the reply can find it in the log and the metrics.
    self->settle(wire == nullptr ? kClientLeft : status);
    if (wire != nullptr) wire->respond(std::move(response));
  });
}

void Exchange::fail(const api::Fault& fault) {
  on_loop([self = shared_from_this(), fault](Wire*) {
    self->account_.note = fault.message;
    self->reply(self->fault_response(fault));
  });
}

Response Exchange::head(int status, std::string_view content_type) const {
  Response response{status, std::string(content_type), {}, admission_.headers};
  response.headers.push_back({"X-Request-Id", id_});
  return response;
}

Response Exchange::fault_response(const api::Fault& fault) const {
  Response response{api::http_status(fault.kind),
                    "application/json",
                    api::error_body(admission_.dialect, fault),
                    {}};
  // Long enough for a slot to come free, short enough that nobody notices.
  if (response.status == 503) response.headers.push_back({"Retry-After", "1"});
  return response;
}

void Exchange::attach(std::shared_ptr<Running> running) {
  on_loop([self = shared_from_this(), running = std::move(running)](Wire* wire) {
    if (self->settled_) return;
    if (wire == nullptr) return running->left();
    self->running_ = running;
  });
}

void Exchange::client_left() {
  left_ = true;
  if (const auto running = std::move(running_)) running->left();
}

void Exchange::quiet() {
  if (const auto running = running_) running->quiet();
}

void Exchange::release_body() {
  request_.body = {};
  share_.reset();
}

void Exchange::settle(int status) {
  if (settled_) return;
  settled_ = true;
  running_.reset();
  service_->metrics.replied(status);
  const bool watching = request_.path == "/health" || request_.path == "/metrics";
  if (watching && status == 200) return;
  const double total_s = std::chrono::duration<double>(Clock::now() - accepted_).count();
  std::string line =
      fmt::format("{} {}{} {} {}", id_,
                  caller().name.empty() ? "" : "key=", caller().name.empty() ? "-" : caller().name,
                  base::quoted(request_.method, 16), base::quoted(request_.path));
  line += fmt::format(" {}", status);
  if (!account_.model.empty()) line += " model=" + shown(account_.model);
  if (account_.usage) line += figures(*account_.usage, account_.timings);
  if (!account_.finish.empty()) line += " " + account_.finish;
  line += fmt::format(" {:.3f} s", total_s);
  if (!account_.note.empty()) line += " (" + base::quoted(account_.note, 400) + ")";
  service_->log(line);
}

}  // namespace handmill::serve
