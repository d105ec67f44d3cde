#include "serve/guard.h"

#include <algorithm>
#include <array>
#include <unistd.h>

#include "serve/http.h"
#include "serve/net.h"

namespace handmill::serve {
namespace {

// Pages of this machine, and programs that show web pages of their own: what local clients are.
constexpr std::array<std::string_view, 18> kUsualOrigins = {
    "http://localhost",   "https://localhost", "http://localhost:*", "https://localhost:*",
    "http://127.0.0.1",   "https://127.0.0.1", "http://127.0.0.1:*", "https://127.0.0.1:*",
    "http://0.0.0.0",     "https://0.0.0.0",   "http://0.0.0.0:*",   "https://0.0.0.0:*",
    "http://[::1]:*",     "app://*",           "file://*",           "tauri://*",
    "vscode-webview://*", "vscode-file://*",
};

/// "[::1]:80" → "::1", "name:80" → "name".
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

std::string own_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return lower_case(name.data());
}

}  // namespace

bool fits(std::string_view pattern, std::string_view text) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return equal_ignoring_case(pattern, text);
  if (text.size() < star || !equal_ignoring_case(pattern.substr(0, star), text.substr(0, star)))
    return false;
  pattern.remove_prefix(star + 1);
  text.remove_prefix(star);
  if (pattern.empty()) return true;
  for (size_t i = 0; i <= text.size(); ++i)
    if (fits(pattern, text.substr(i))) return true;
  return false;
}

Guard::Guard(bool loopback, std::vector<std::string> origins, std::vector<std::string> hosts)
    : loopback_(loopback), origins_(std::move(origins)) {
  for (const std::string_view origin : kUsualOrigins) origins_.emplace_back(origin);
  for (const std::string& host : hosts) hosts_.push_back(lower_case(host));
  hosts_.push_back(own_name());
}

bool Guard::host_allowed(std::string_view host) const {
  if (!loopback_) return true;
  const std::string name = lower_case(without_port(host));
  if (name.empty()) return false;
  return is_loopback(name) || name.ends_with(".localhost") ||
         std::find(hosts_.begin(), hosts_.end(), name) != hosts_.end();
}

bool Guard::origin_allowed(std::string_view origin, std::string_view host) const {
  const size_t authority = origin.find("://");
  if (authority != std::string_view::npos && !host.empty() &&
      equal_ignoring_case(origin.substr(authority + 3), host))
    return true;
  return std::any_of(origins_.begin(), origins_.end(),
                     [&](const std::string& allowed) { return fits(allowed, origin); });
}

}  // namespace handmill::serve
