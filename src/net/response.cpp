// What an answer says of itself: its headers, its range, and a status in words.
#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/error.h"
#include "base/quote.h"
#include "net/client.h"

namespace handmill::net {
namespace {

/// Takes a number off the front.
std::optional<uint64_t> number(std::string_view& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view begin) {
  if (!text.starts_with(begin)) return false;
  text.remove_prefix(begin.size());
  return true;
}

struct Phrase {
  int status;
  std::string_view text;
};
constexpr Phrase kPhrases[] = {{400, "bad request"},
                               {401, "no authorization"},
                               {403, "forbidden"},
                               {404, "not found"},
                               {405, "method not allowed"},
                               {408, "request timeout"},
                               {410, "gone"},
                               {413, "too large"},
                               {416, "range not satisfiable"},
                               {429, "too many requests"},
                               {500, "internal error"},
                               {502, "bad gateway"},
                               {503, "not available now"},
                               {504, "gateway timeout"}};

std::string status_text(int status) {
  const auto* at = std::find_if(std::begin(kPhrases), std::end(kPhrases),
                                [&](const Phrase& phrase) { return phrase.status == status; });
  return at == std::end(kPhrases) ? fmt::format("status {}", status)
                                  : fmt::format("status {} ({})", status, at->text);
}

}  // namespace

std::string_view Response::header(std::string_view name) const {
  const auto at = std::find_if(headers.begin(), headers.end(),
                               [&](const Header& header) { return header.name == name; });
  return at == headers.end() ? std::string_view{} : std::string_view(at->value);
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  ContentRange range;
  if (!take(value, "bytes ")) return std::nullopt;
  const auto first = number(value);
  if (!first || !take(value, "-")) return std::nullopt;
  const auto last = number(value);
  if (!last || *last < *first || !take(value, "/")) return std::nullopt;
  range.first = *first;
  range.last = *last;
  if (value == "*") return range;
  range.total = number(value);
  if (!range.total || !value.empty() || *range.total <= range.last) return std::nullopt;
  return range;
}

Error status_error(const Response& response) {
  const bool is_gone = response.status == 404 || response.status == 410;
  const bool has_words =
      !response.body.empty() && !response.header("content-type").starts_with("text/html");
  // What follows a '?' may be a signature, which nobody is to read.
  return base::make_error(is_gone ? Code::kNotFound : Code::kIo, "{}: {}{}",
                          response.url.substr(0, response.url.find('?')),
                          status_text(response.status),
                          has_words ? ": " + base::quoted(response.body, 200) : "");
}

}  // namespace handmill::net
