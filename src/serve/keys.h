// API keys: who may ask, and under which name. Only digests are kept, and every key is compared
// in full, so that neither memory nor time tells one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "router/router.h"
#include "serve/http.h"

namespace handmill::serve {

/// Who asks. Without keys everybody is the same one.
struct Caller {
  router::Owner owner = 0;
  std::string name;
};

class Keys {
 public:
  /// One key a line, "name:key" or the key alone; empty lines and those that begin with '#' do not
  /// count. `source` stands for the text in errors, which never quote it.
  Status add(std::string_view text, std::string_view source);
  /// A file of such lines.
  Status add_file(const std::string& path);
  bool empty() const { return keys_.empty(); }

  /// The caller that a request's "Authorization: Bearer" or "x-api-key" names. Anybody where there
  /// are no keys.
  std::optional<Caller> find(const HttpRequest& request) const;

 private:
  using Digest = std::array<uint8_t, 32>;
  struct Entry {
    std::string name;
    Digest digest;
  };
  static Digest digest_of(std::string_view key);

  std::vector<Entry> keys_;
};

}  // namespace handmill::serve
