#include "serve/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <fmt/format.h>

namespace handmill::serve {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

/// Beast's string_body takes the memory that Content-Length claims; this one what has come.
struct GrowingBody {
  using value_type = std::string;
  static uint64_t size(const value_type& body) { return body.size(); }

  class reader {
   public:
    template <bool kRequest, class Fields>
    reader(http::header<kRequest, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<uint64_t>&, error_code& error) { error = {}; }
    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& error) {
      error = {};
      size_t bytes = 0;
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
        bytes += buffer.size();
      }
      return bytes;
    }
    void finish(error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

std::string text(boost::beast::string_view view) { return {view.data(), view.size()}; }

}  // namespace

struct HttpParser::State {
  http::request_parser<GrowingBody> parser;
};

HttpParser::HttpParser(const Limits& limits) : limits_(limits) {}
HttpParser::~HttpParser() = default;

bool HttpParser::started() const { return state_ != nullptr; }

size_t HttpParser::body_bytes() const { return state_ ? state_->parser.get().body().size() : 0; }

HttpParser::Step HttpParser::fail(int status, std::string message) {
  failure_ = {status, std::move(message)};
  return Step::kFailed;
}

HttpParser::Step HttpParser::put(std::string_view& bytes) {
  if (!state_) {
    // Empty lines before a request are allowed (RFC 9112 §2.2).
    while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
    if (bytes.empty() || bytes == "\r") return Step::kMore;
    state_ = std::make_unique<State>();
    state_->parser.header_limit(static_cast<uint32_t>(limits_.header_bytes));
    state_->parser.body_limit(limits_.body_bytes);
    state_->parser.eager(false);
  }
  auto& parser = state_->parser;
  const bool had_head = parser.is_header_done();
  while (!parser.is_done()) {
    error_code error;
    const size_t taken = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(taken);
    if (error == http::error::need_more) return Step::kMore;
    if (error == http::error::header_limit)
      return fail(431, fmt::format("the header has more than {} bytes", limits_.header_bytes));
    if (error == http::error::body_limit)
      return fail(413, fmt::format("the body has more than {} bytes", limits_.body_bytes));
    if (error) return fail(400, fmt::format("this is no HTTP request: {}", error.message()));
    if (!had_head && parser.is_header_done()) return read_head();
    if (taken == 0 || bytes.empty()) break;
  }
  return parser.is_done() ? Step::kDone : Step::kMore;
}

HttpParser::Step HttpParser::read_head() {
  auto& parser = state_->parser;
  const auto& message = parser.get();
  head_ = {};
  head_.method = text(message.method_string());
  const std::string target = text(message.target());
  const size_t question = target.find('?');
  head_.path = target.substr(0, question);
  if (question != std::string::npos) head_.query = target.substr(question + 1);
  head_.version = static_cast<int>(message.version());
  head_.keep_alive = parser.keep_alive();
  for (const auto& field : message)
    head_.headers.push_back({lower_case(text(field.name_string())), text(field.value())});
  head_.has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
  parser.eager(true);

  if (head_.version != 10 && head_.version != 11)
    return fail(400, "HTTP versions are 1.0 and 1.1 here");
  // A coding that we do not undo would leave the body's end unknown.
  if (head_.count("transfer-encoding") > 0 && !parser.chunked())
    return fail(400, "the only Transfer-Encoding is chunked");
  return Step::kHead;
}

HttpRequest HttpParser::take() {
  HttpRequest request = std::move(head_);
  request.body = std::move(state_->parser.get().body());
  head_ = {};
  state_.reset();
  return request;
}

}  // namespace handmill::serve
