// A server's answer as it arrives, in pieces of any size: HTTP/1.1 with any framing of the body,
// server-sent events inside it, and in each event the few facts that a measurement needs.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace handmill::load {

constexpr size_t kHeadMax = 64 << 10;
constexpr size_t kEventMax = 1 << 20;

/// The head and the framing. Interim answers (1xx) are passed over.
class HttpReader {
 public:
  using Sink = std::function<void(std::string_view)>;
  /// Gives the body's bytes to `body`; an error where the answer is no HTTP.
  Status take(std::string_view bytes, const Sink& body);
  /// The server closed the connection: whether the answer was whole by then.
  bool whole_at_close() const;
  bool whole() const { return state_ == State::kDone; }
  int status() const { return status_; }  // 0 before the head is there
  bool retry_after() const { return retry_after_; }

 private:
  enum class State { kHead, kBytes, kToClose, kSize, kChunk, kChunkEnd, kTrailer, kDone };
  Status take_line(std::string_view line);
  Status take_head_line(std::string_view line);
  Status take_size(std::string_view line);

  State state_ = State::kHead;
  std::string line_;  // the part of a line that is there
  size_t head_bytes_ = 0, left_ = 0;
  int status_ = 0;
  bool status_line_ = true, chunked_ = false, retry_after_ = false;
  std::optional<size_t> length_;
};

/// Events, as the data of each; comments and other fields are passed over.
class EventReader {
 public:
  using Sink = std::function<void(std::string_view)>;
  Status take(std::string_view bytes, const Sink& event);

 private:
  void take_line(const Sink& event);

  std::string line_, data_;
  bool has_data_ = false, after_return_ = false;
};

struct Piece {
  bool text = false;  // something of the answer is in it
  bool done = false;  // "[DONE]"
  std::string finish, error;
  std::optional<int> prompt_tokens, completion_tokens, cached_tokens;
};
/// A chunk of /v1/chat/completions or /v1/completions.
Result<Piece> read_piece(std::string_view data);

}  // namespace handmill::load
