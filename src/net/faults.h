// What went wrong in a transfer, in words: the host, and the cause. Serves exchange.cpp alone.
#pragma once

#include <string>

#include "base/result.h"
#include "net/client.h"
#include "net/url.h"

namespace handmill::net {

struct TransferFault {
  const Url& url;
  const Options& options;
  const char* detail;  // libcurl's own words, or none
  int os_error;
  uint64_t bytes;  // of the body that had come
};

/// `code` is a CURLcode.
Error transfer_error(int code, const TransferFault& fault);

/// "0.25", "60": of a limit in a message.
std::string seconds(Milliseconds time);

}  // namespace handmill::net
