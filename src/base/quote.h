// Untrusted text (a key, a name, a value) made fit for a one-line message: in double quotes, short,
// with every byte that a terminal could act on written as \xNN. Letters of any language stay as
// they are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace handmill::base {

/// At most `bytes_max` bytes of `text`; a longer one ends in "…" and its length.
std::string quoted(std::string_view text, size_t bytes_max = 80);

}  // namespace handmill::base
