#include "router/names.h"

namespace handmill::router {

std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  constexpr std::string_view kLatest = ":latest";
  if (out.size() > kLatest.size() && out.ends_with(kLatest))
    out.resize(out.size() - kLatest.size());
  return out;
}

}  // namespace handmill::router
