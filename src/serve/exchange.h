// One request and the way back to its client. A handler gets one, and sees to it that exactly one
// reply comes of it, at once or later, whole or in pieces.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/dialect.h"
#include "serve/http.h"
#include "serve/keys.h"
#include "serve/route.h"
#include "serve/service.h"

namespace handmill::serve {

/// The connection, as its exchange sees it. Loop thread alone.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual void respond(Response response) = 0;  // the whole reply
  virtual void open(Response head) = 0;         // of a reply whose body comes in pieces
  virtual void send(std::string_view bytes) = 0;
  virtual void finish() = 0;  // of the pieces
};

/// What goes on for a request after its handler has returned. Loop thread alone.
class Running {
 public:
  virtual ~Running() = default;
  virtual void left() = 0;   // the client has left, and nobody waits for the reply
  virtual void quiet() = 0;  // nothing has been sent for Limits::quiet_wait
};

/// What the log line and the metrics tell of a request that is over.
struct Account {
  std::string model;
  std::optional<api::Usage> usage;
  api::Timings timings;
  std::string finish;
  std::string note;  // fields that were passed over, and the like
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Service> service, HttpRequest request, Admission admission,
           std::weak_ptr<Wire> wire);

  // For handlers.
  Service& service() { return *service_; }
  HttpRequest& request() { return request_; }
  const std::string& rest() const { return admission_.rest; }  // of the path, behind the route's
  api::Dialect dialect() const { return admission_.dialect; }
  const Caller& caller() const { return admission_.caller; }
  const std::string& id() const { return id_; }
  api::Identity identity(std::string model) const;
  Account& account() { return account_; }

  // The reply. Any thread.
  void reply(Response response);
  void reply_json(std::string body) { reply({200, "application/json", std::move(body), {}}); }
  void fail(const api::Fault& fault);

  /// Runs `work` on the loop. The wire is none where the client has left. Any thread.
  using Work = std::function<void(Wire* wire)>;
  void on_loop(Work work);
  /// `running` hears what becomes of the client until the reply is over. Any thread.
  void attach(std::shared_ptr<Running> running);

  // Loop thread alone.
  Response head(int status, std::string_view content_type) const;  // with this reply's headers
  Response fault_response(const api::Fault& fault) const;
  /// The reply is over, or nobody waits for it: the log line and the metrics, once.
  void settle(int status);
  void client_left();
  bool left() const { return left_; }
  void quiet();
  void take_share(std::unique_ptr<Share> share) { share_ = std::move(share); }
  void release_body();

 private:
  std::shared_ptr<Service> service_;
  HttpRequest request_;
  Admission admission_;
  std::weak_ptr<Wire> wire_;
  std::string id_;
  Clock::time_point accepted_ = Clock::now();
  Account account_;
  std::shared_ptr<Running> running_;
  std::unique_ptr<Share> share_;
  bool left_ = false;
  bool settled_ = false;
};

inline constexpr int kClientLeft = 499;  // as nginx logs it; never sent

}  // namespace handmill::serve
