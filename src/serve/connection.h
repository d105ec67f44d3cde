// One connection: reads requests one after the other, hands each to its handler, writes its reply,
// and watches the client meanwhile, so that one that leaves is noticed at once. Bounded by Limits
// in memory and in time. Loop thread alone.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "serve/exchange.h"
#include "serve/http_parser.h"
#include "serve/net.h"
#include "serve/service.h"

namespace handmill::serve {

class Connection final : public Wire, public std::enable_shared_from_this<Connection> {
 public:
  /// `closed` is called once, when it is over.
  Connection(std::shared_ptr<Service> service, std::unique_ptr<Transport> transport,
             std::function<void(Connection&)> closed);

  void start();
  void tick(Clock::time_point now);  // holds what happens against the time
  void drain();                      // closes after the reply that is on its way, if one is
  void close();

  void respond(Response response) override;
  void open(Response head) override;
  void send(std::string_view bytes) override;
  void finish() override;

 private:
  enum class State {
    kStart,    // TLS shakes hands
    kIdle,     // nothing of a request is here
    kReading,  // a part of one
    kBusy,     // its reply is being made and sent
    kLinger,   // all is sent; waits for the client to close
    kClosed,
  };

  void enter(State state);
  void read_more();
  void on_bytes(std::string_view bytes);
  void parse(std::string_view bytes);
  bool take_head();  // whether reading goes on
  void dispatch();
  void refuse(int status, const std::string& message);

  void put(std::string bytes);
  void write_more();
  void on_written(size_t bytes, bool ok);
  void reply_sent();

  std::shared_ptr<Service> service_;
  std::unique_ptr<Transport> transport_;
  std::function<void(Connection&)> closed_;
  State state_ = State::kStart;
  Clock::time_point since_ = Clock::now();       // of the state
  Clock::time_point moved_ = Clock::now();       // the output, or was empty
  Clock::time_point body_since_ = Clock::now();  // headers were read

  HttpParser parser_;
  Admission admission_;  // of the request being read
  std::string ahead_;    // bytes read and not yet taken
  bool reading_ = false;
  std::unique_ptr<Share> body_share_;

  std::shared_ptr<Exchange> exchange_;  // while kBusy
  bool head_only_ = false;              // HEAD: the reply has no body
  bool keep_alive_ = true;
  Framing framing_ = Framing::kLength;
  bool complete_ = false;          // the reply: all of it is in the output
  std::list<std::string> output_;  // pieces of at most kPieceBytes, or one larger
  size_t output_bytes_ = 0;        // unwritten
  size_t written_ = 0;             // of the first piece
  bool writing_ = false;
  Share output_share_;
};

}  // namespace handmill::serve
