// Reads requests out of bytes as they come from a connection. The only door to Boost.Beast. What it
// holds is bounded by Limits, and it holds nothing between requests.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "serve/http.h"
#include "serve/limits.h"

namespace handmill::serve {

class HttpParser {
 public:
  explicit HttpParser(const Limits& limits);
  ~HttpParser();

  enum class Step {
    kMore,    // everything usable was taken; the request goes on
    kHead,    // the headers are there, and head() is valid; put() goes on with the body
    kDone,    // take() has the request
    kFailed,  // failure() tells; nothing more can be read from this connection
  };
  /// Takes bytes off the front of `bytes`; what it leaves must come again, with more behind it.
  Step put(std::string_view& bytes);

  /// Bytes of a request have been taken, and it has not been given yet.
  bool started() const;
  const HttpRequest& head() const { return head_; }
  size_t body_bytes() const;
  /// The request; the parser is ready for the next one.
  HttpRequest take();

  struct Failure {
    int status = 400;
    std::string message;
  };
  const Failure& failure() const { return failure_; }

 private:
  struct State;
  Step fail(int status, std::string message);
  Step read_head();

  const Limits& limits_;
  std::unique_ptr<State> state_;
  HttpRequest head_;
  Failure failure_;
};

}  // namespace handmill::serve
