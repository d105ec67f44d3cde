#include "net/url.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <memory>

#include "base/error.h"
#include "base/quote.h"

namespace handmill::net {
namespace {

constexpr size_t kMaxUrlBytes = 8192;  // signed addresses of stores take some 2,000

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

Result<std::string> piece(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  const CURLUcode code = curl_url_get(url, part, &text, flags);
  if (code != CURLUE_OK) return base::invalid("{}", curl_url_strerror(code));
  std::string copy = text;
  curl_free(text);
  return copy;
}

Status set(CURLU* url, std::string_view text) {
  if (text.size() > kMaxUrlBytes)
    return base::limit("an address of {} bytes; at most {} are taken", text.size(), kMaxUrlBytes);
  const unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER;
  const CURLUcode code = curl_url_set(url, CURLUPART_URL, std::string(text).c_str(), flags);
  if (code == CURLUE_USER_NOT_ALLOWED)
    return base::invalid("an address with a user and password in it is not taken");
  if (code != CURLUE_OK || text.find('\0') != text.npos)
    return base::invalid("{}: not an address: {}", base::quoted(text),
                         code == CURLUE_OK ? "it has a byte 0" : curl_url_strerror(code));
  return {};
}

Result<Url> taken_apart(CURLU* handle) {
  Url url;
  HANDMILL_TRY(url.text, piece(handle, CURLUPART_URL));
  HANDMILL_TRY(url.scheme, piece(handle, CURLUPART_SCHEME));
  if (url.scheme != "http" && url.scheme != "https")
    return base::unsupported("{}: http and https are spoken, not {}", base::quoted(url.text),
                             base::quoted(url.scheme));
  HANDMILL_TRY(url.host, piece(handle, CURLUPART_HOST));
  HANDMILL_TRY(url.port, piece(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT));
  return url;
}

}  // namespace

std::string Url::place() const {
  const bool usual = port == (scheme == "https" ? "443" : "80");
  return usual ? host : host + ":" + port;
}

Result<Url> parse_url(std::string_view text) {
  const Handle handle(curl_url(), curl_url_cleanup);
  if (!handle) return base::limit("no memory for an address");
  HANDMILL_OK(set(handle.get(), text));
  return taken_apart(handle.get());
}

Result<Url> resolve(const Url& base, std::string_view reference) {
  const Handle handle(curl_url(), curl_url_cleanup);
  if (!handle) return base::limit("no memory for an address");
  HANDMILL_OK(set(handle.get(), base.text));
  HANDMILL_OK(set(handle.get(), reference));
  return taken_apart(handle.get());
}

std::string path_piece(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace handmill::net
