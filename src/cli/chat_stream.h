// One streamed chat completion of a server, timed.
#pragma once

#include <boost/json/array.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/server_bench.h"
#include "measure/request_record.h"

namespace handmill::cli {

/// The events of a stream as they come (server-sent events, of which only "data" lines count).
class ChatStream {
 public:
  using Clock = std::chrono::steady_clock;
  explicit ChatStream(Clock::time_point since) : since_(since) {}

  /// The next bytes, cut anywhere. false: they are no such stream, or its line has no end; error()
  /// says why.
  bool take(std::string_view bytes);
  /// After the end: what was counted; an error where the stream said none or was cut short.
  Result<measure::RequestRecord> finish();

  const std::string& text() const { return text_; }  // of the answer, without reasoning
  const std::string& error() const { return error_; }

 private:
  bool line(std::string_view line);
  bool event(std::string_view data);

  Clock::time_point since_;
  measure::RequestRecord record_;
  std::string part_, text_, error_;
  bool counted_ = false, done_ = false;
};

struct ChatAnswer {
  measure::RequestRecord record;
  std::string text;
};
/// Waits for the whole answer. What the server refuses is an error with its message.
Result<ChatAnswer> ask_server(const Server& server, const boost::json::array& messages,
                              int max_tokens);

}  // namespace handmill::cli
