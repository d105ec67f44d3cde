#include "cli/chat_stream.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "net/client.h"

namespace handmill::cli {
namespace {

namespace json = boost::json;

constexpr size_t kLineMost = size_t{1} << 20;
constexpr size_t kFaultMost = 2000;  // of what a server says of an error
constexpr std::chrono::milliseconds kIdle{600'000};

const json::object* object_at(const json::object& in, std::string_view key) {
  const json::value* value = in.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

int count_at(const json::object& in, std::string_view key) {
  const json::value* value = in.if_contains(key);
  const int64_t* number = value == nullptr ? nullptr : value->if_int64();
  return number != nullptr && *number > 0 && *number < (1 << 30) ? static_cast<int>(*number) : 0;
}

std::string_view text_at(const json::object& in, std::string_view key) {
  const json::value* value = in.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : "";
}

}  // namespace

bool ChatStream::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    part_ += bytes.substr(0, end);
    if (part_.size() > kLineMost) {
      error_ = "a line of the stream is longer than 1 MiB";
      return false;
    }
    if (end == std::string_view::npos) return true;
    bytes.remove_prefix(end + 1);
    if (part_.ends_with('\r')) part_.pop_back();
    const bool good = line(part_);
    part_.clear();
    if (!good) return false;
  }
  return true;
}

bool ChatStream::line(std::string_view line) {
  constexpr std::string_view kData = "data:";
  if (!line.starts_with(kData)) return true;  // a comment, an event's name, the end of an event
  line.remove_prefix(kData.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (line == "[DONE]") {
    done_ = true;
    return true;
  }
  return event(line);
}

bool ChatStream::event(std::string_view data) {
  const auto parsed = base::parse_json(data);
  if (!parsed.ok() || !parsed->is_object()) {
    error_ = fmt::format("an event of the stream is no JSON object: {}", data.substr(0, 100));
    return false;
  }
  const json::object& chunk = parsed->get_object();
  if (const json::object* fault = object_at(chunk, "error")) {
    error_ = text_at(*fault, "message");
    return false;
  }
  if (const json::object* usage = object_at(chunk, "usage")) {
    counted_ = true;
    record_.prompt_tokens = count_at(*usage, "prompt_tokens");
    record_.answer_tokens = count_at(*usage, "completion_tokens");
    if (const json::object* details = object_at(*usage, "prompt_tokens_details"))
      record_.cached_tokens = count_at(*details, "cached_tokens");
  }
  const json::value* choices = chunk.if_contains("choices");
  if (choices == nullptr || !choices->is_array() || choices->get_array().empty()) return true;
  const json::value& first = choices->get_array().front();
  const json::object* delta = first.is_object() ? object_at(first.get_object(), "delta") : nullptr;
  if (delta == nullptr) return true;
  const std::string_view content = text_at(*delta, "content");
  if (content.empty() && text_at(*delta, "reasoning_content").empty()) return true;
  record_.piece_s.push_back(std::chrono::duration<double>(Clock::now() - since_).count());
  text_ += content;
  return true;
}

Result<measure::RequestRecord> ChatStream::finish() {
  record_.end_s = std::chrono::duration<double>(Clock::now() - since_).count();
  if (!error_.empty()) return base::invalid("{}", error_);
  if (!done_) return base::invalid("the stream ended before its end");
  if (!counted_)
    return base::unsupported(
        "the server counts no tokens (usage): it does not know stream_options.include_usage");
  return record_;
}

Result<ChatAnswer> ask_server(const Server& server, const json::array& messages, int max_tokens) {
  net::Options options;
  options.idle_wait = kIdle;
  HANDMILL_TRY(auto client, net::Client::make(std::move(options)));
  net::Request request{.url = server.url + "/chat/completions",
                       .headers = {{"Content-Type", "application/json"}}};
  if (!server.key.empty()) request.secrets = {{"Authorization", "Bearer " + server.key}};
  request.body = json::serialize(json::object{{"model", server.model},
                                              {"messages", messages},
                                              {"max_tokens", max_tokens},
                                              {"temperature", 0},
                                              {"stream", true},
                                              {"stream_options", {{"include_usage", true}}}});
  ChatStream stream(ChatStream::Clock::now());
  std::string fault;
  HANDMILL_TRY(auto response,
               client.stream(request, [&](const net::Response& so_far, std::string_view piece) {
                 if (so_far.status == 200) return stream.take(piece);
                 fault += piece.substr(0, kFaultMost - std::min(kFaultMost, fault.size()));
                 return fault.size() < kFaultMost;
               }));
  if (response.status != 200) {
    response.body = std::move(fault);
    return net::status_error(response);
  }
  auto record = stream.finish();
  if (!record.ok())
    return base::make_error(record.error().code, "{}: {}", server.url, record.error().message);
  return ChatAnswer{*std::move(record), stream.text()};
}

}  // namespace handmill::cli
