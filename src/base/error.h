// Short ways to make an Error with a formatted message: invalid("{}: …", name).
#pragma once

#include <fmt/format.h>
#include <utility>

#include "base/result.h"

namespace handmill::base {

template <class... Args>
Error make_error(Code code, fmt::format_string<Args...> text, Args&&... args) {
  return {code, fmt::format(text, std::forward<Args>(args)...)};
}
template <class... Args>
Error invalid(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(Code::kInvalid, text, std::forward<Args>(args)...);
}
template <class... Args>
Error not_found(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(Code::kNotFound, text, std::forward<Args>(args)...);
}
template <class... Args>
Error unsupported(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(Code::kUnsupported, text, std::forward<Args>(args)...);
}
template <class... Args>
Error limit(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(Code::kLimit, text, std::forward<Args>(args)...);
}
template <class... Args>
Error io(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(Code::kIo, text, std::forward<Args>(args)...);
}

}  // namespace handmill::base
