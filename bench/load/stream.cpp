#include "load/stream.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cctype>
#include <charconv>
#include <fmt/format.h>

#include "base/json.h"

namespace handmill::load {
namespace {

namespace json = boost::json;

Error broken(std::string what) { return Error{Code::kInvalid, std::move(what)}; }

std::string lower(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

Result<size_t> size_of(std::string_view digits, int base) {
  size_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return broken(fmt::format("'{}' is no length", digits.substr(0, 40)));
  return value;
}

const json::value* member(const json::value* in, std::string_view name) {
  const json::object* object = in ? in->if_object() : nullptr;
  return object ? object->if_contains(name) : nullptr;
}

std::string text_of(const json::value* in) {
  const json::string* text = in ? in->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}

std::optional<int> count_of(const json::value* in) {
  const int64_t* number = in ? in->if_int64() : nullptr;
  if (!number || *number < 0 || *number > 1 << 30) return {};
  return static_cast<int>(*number);
}

bool has_text(const json::value& choice) {
  const json::value* delta = member(&choice, "delta");
  for (const std::string_view name : {"content", "reasoning_content", "reasoning"})
    if (!text_of(member(delta, name)).empty()) return true;
  return !text_of(member(&choice, "text")).empty();
}

}  // namespace

Status HttpReader::take(std::string_view bytes, const Sink& body) {
  while (!bytes.empty()) {
    if (state_ == State::kDone) return broken("there are bytes after the answer's end");
    if (state_ == State::kToClose) return body(bytes), Status();
    if (state_ == State::kBytes || state_ == State::kChunk) {
      const size_t part = std::min(left_, bytes.size());
      body(bytes.substr(0, part));
      bytes.remove_prefix(part);
      left_ -= part;
      if (left_ == 0) state_ = state_ == State::kBytes ? State::kDone : State::kChunkEnd;
      continue;
    }
    const size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() > kHeadMax) return broken("a line of the head is too long");
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    HANDMILL_OK(take_line(line_));
    line_.clear();
  }
  return {};
}

Status HttpReader::take_line(std::string_view line) {
  switch (state_) {
    case State::kHead: return take_head_line(line);
    case State::kSize: return take_size(line);
    case State::kChunkEnd:
      if (!line.empty()) return broken("a chunk is longer than it says");
      state_ = State::kSize;
      return {};
    default:  // the trailer
      if (line.empty()) state_ = State::kDone;
      return {};
  }
}

Status HttpReader::take_size(std::string_view line) {
  HANDMILL_TRY(left_, size_of(line.substr(0, line.find(';')), 16));
  state_ = left_ == 0 ? State::kTrailer : State::kChunk;
  return {};
}

Status HttpReader::take_head_line(std::string_view line) {
  head_bytes_ += line.size() + 2;
  if (head_bytes_ > kHeadMax) return broken("the head is too long");
  if (status_line_) {
    if (!line.starts_with("HTTP/1.") || line.size() < 12) return broken("the answer is no HTTP/1");
    HANDMILL_TRY(const size_t status, size_of(line.substr(9, 3), 10));
    status_ = static_cast<int>(status);
    status_line_ = false;
    return {};
  }
  if (!line.empty()) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return broken("a line of the head has no colon");
    const std::string name = lower(line.substr(0, colon));
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    if (name == "content-length") {
      HANDMILL_TRY(length_, size_of(value, 10));
    }
    if (name == "transfer-encoding") chunked_ = lower(value).ends_with("chunked");
    if (name == "retry-after") retry_after_ = true;
    return {};
  }
  if (status_ < 200) {
    status_line_ = true;
  } else if (chunked_) {
    state_ = State::kSize;
  } else if (length_) {
    left_ = *length_;
    state_ = left_ == 0 ? State::kDone : State::kBytes;
  } else {
    state_ = State::kToClose;
  }
  return {};
}

bool HttpReader::whole_at_close() const {
  return state_ == State::kDone || state_ == State::kToClose;
}

Status EventReader::take(std::string_view bytes, const Sink& event) {
  for (const char c : bytes) {
    const bool second = c == '\n' && after_return_;  // of \r\n, which is one end of a line
    after_return_ = c == '\r';
    if (second) continue;
    if (c != '\n' && c != '\r') {
      line_ += c;
      if (line_.size() + data_.size() > kEventMax) return broken("an event is too long");
      continue;
    }
    take_line(event);
    line_.clear();
  }
  return {};
}

void EventReader::take_line(const Sink& event) {
  if (line_.empty()) {
    if (has_data_) event(data_);
    data_.clear();
    has_data_ = false;
    return;
  }
  std::string_view line = line_;
  if (!line.starts_with("data:") && line != "data") return;
  line.remove_prefix(std::min<size_t>(5, line.size()));
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += line;
  has_data_ = true;
}

Result<Piece> read_piece(std::string_view data) {
  Piece piece;
  if (data == "[DONE]") {
    piece.done = true;
    return piece;
  }
  HANDMILL_TRY(const json::value value, base::parse_json(data));
  if (!value.is_object()) return broken("an event is no JSON object");
  if (const json::value* error = member(&value, "error")) {
    piece.error = text_of(member(error, "message"));
    if (piece.error.empty()) piece.error = "an error without a message";
  }
  if (const json::value* choices = member(&value, "choices"); choices && choices->is_array()) {
    for (const json::value& choice : choices->get_array()) {
      piece.text |= has_text(choice);
      if (std::string finish = text_of(member(&choice, "finish_reason")); !finish.empty())
        piece.finish = std::move(finish);
    }
  }
  const json::value* usage = member(&value, "usage");
  piece.prompt_tokens = count_of(member(usage, "prompt_tokens"));
  piece.completion_tokens = count_of(member(usage, "completion_tokens"));
  piece.cached_tokens = count_of(member(member(usage, "prompt_tokens_details"), "cached_tokens"));
  return piece;
}

}  // namespace handmill::load
