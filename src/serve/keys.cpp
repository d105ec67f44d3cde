#include "serve/keys.h"

#include <algorithm>
#include <fstream>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sstream>

#include "base/error.h"

namespace handmill::serve {
namespace {

constexpr size_t kKeysMax = 1024;
constexpr size_t kShortestKey = 8;
constexpr size_t kLongestKey = 512;
constexpr size_t kLongestName = 64;
constexpr size_t kFileBytesMax = 1 << 20;

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Keys::Digest Keys::digest_of(std::string_view key) {
  Digest digest;
  ::SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  return digest;
}

Status Keys::add(std::string_view text, std::string_view source) {
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    const size_t colon = line.find(':');
    const bool named = colon != std::string_view::npos;
    const std::string name = named ? std::string(trimmed(line.substr(0, colon)))
                                   : fmt::format("key-{}", keys_.size() + 1);
    const std::string_view key = trimmed(named ? line.substr(colon + 1) : line);
    if (name.empty() || name.size() > kLongestName || !is_printable(name))
      return base::invalid("{} line {}: a key's name has 1 to {} letters without spaces", source,
                           number, kLongestName);
    if (key.size() < kShortestKey || key.size() > kLongestKey || !is_printable(key))
      return base::invalid("{} line {}: a key has {} to {} ASCII letters without spaces", source,
                           number, kShortestKey, kLongestKey);
    if (std::any_of(keys_.begin(), keys_.end(), [&](const Entry& e) { return e.name == name; }))
      return base::invalid("{} line {}: a second key of the name {}", source, number, name);
    if (keys_.size() == kKeysMax) return base::limit("{}: more than {} keys", source, kKeysMax);
    keys_.push_back({name, digest_of(key)});
  }
  return {};
}

Status Keys::add_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return base::io("cannot read {}", path);
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kFileBytesMax)
    return base::limit("{}: a file of keys has at most {} bytes", path, kFileBytesMax);
  HANDMILL_OK(add(text, path));
  if (empty()) return base::invalid("{}: there is no key in it", path);
  return {};
}

std::optional<Caller> Keys::find(const HttpRequest& request) const {
  if (keys_.empty()) return Caller{};
  std::string_view given = request.header("x-api-key");
  const std::string_view authorization = request.header("authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (authorization.size() > kBearer.size() &&
      equal_ignoring_case(authorization.substr(0, kBearer.size()), kBearer))
    given = trimmed(authorization.substr(kBearer.size()));
  const Digest digest = digest_of(given);
  std::optional<size_t> found;
  for (size_t i = 0; i < keys_.size(); ++i)
    if (CRYPTO_memcmp(digest.data(), keys_[i].digest.data(), digest.size()) == 0) found = i;
  if (!found) return std::nullopt;
  return Caller{*found + 1, keys_[*found].name};
}

}  // namespace handmill::serve
