#include "cli/wrap.h"

#include <algorithm>

namespace handmill::cli {
namespace {

// Characters rather than bytes: help pages hold "…" and "–".
size_t columns(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string wrap(std::string_view text, int indent, int width) {
  std::string out;
  size_t line = static_cast<size_t>(indent);
  const size_t start = line;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    if (line > start && line + 1 + columns(word) > static_cast<size_t>(width)) {
      out += '\n' + std::string(start, ' ');
      line = start;
    } else if (line > start) {
      out += ' ';
      ++line;
    }
    out += word;
    line += columns(word);
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out;
}

std::string wrap_entry(std::string_view left, std::string_view text, int column, int width) {
  std::string out = "  " + std::string(left);
  const size_t used = 2 + columns(left);
  const size_t wanted = static_cast<size_t>(column);
  if (used + 2 > wanted)
    out += '\n' + std::string(wanted, ' ');
  else
    out += std::string(wanted - used, ' ');
  return out + wrap(text, column, width) + '\n';
}

}  // namespace handmill::cli
