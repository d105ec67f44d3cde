#include "net/faults.h"

#include <cstring>
#include <curl/curl.h>
#include <fmt/format.h>

#include "base/error.h"

namespace handmill::net {
namespace {

/// Certificates bring words of strangers along.
std::string harmless(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

}  // namespace

std::string seconds(Milliseconds time) {
  return fmt::format("{:g}", static_cast<double>(time.count()) / 1e3);
}

Error transfer_error(int code, const TransferFault& fault) {
  const auto error = static_cast<CURLcode>(code);
  const std::string place = fault.url.place();
  const std::string detail =
      harmless(*fault.detail != '\0' ? fault.detail : curl_easy_strerror(error));
  const std::string because = fault.os_error != 0 ? std::strerror(fault.os_error) : detail;
  switch (error) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return base::io("{}: no address is found for this name (DNS)", fault.url.host);
    case CURLE_COULDNT_RESOLVE_PROXY:
      return base::io("{}: no address is found for the environment's proxy (DNS)", place);
    case CURLE_COULDNT_CONNECT: return base::io("{}: cannot connect: {}", place, because);
    case CURLE_OPERATION_TIMEDOUT:
      return base::io("{}: no connection within {} s", place, seconds(fault.options.connect_wait));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER: return base::io("{}: TLS: {}", place, detail);
    case CURLE_SSL_CACERT_BADFILE: return base::io("{}: TLS: {}", place, detail);
    case CURLE_PARTIAL_FILE:
      return base::io("{}: the answer ends after {} bytes, before it is whole", place, fault.bytes);
    case CURLE_GOT_NOTHING:
      return base::io("{}: the connection was closed without an answer", place);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return base::io("{}: what answers there is not HTTP", place);
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return base::io("{}: the connection broke after {} bytes: {}", place, fault.bytes, because);
    default: return base::io("{}: {}", place, detail);
  }
}

}  // namespace handmill::net
