// Small text files of /proc and /sys, read whole, and the numbers in them. Nothing in them is
// trusted: what does not parse is nullopt.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace handmill::probe {

/// Up to the first megabyte; nullopt where the file cannot be read.
std::optional<std::string> read_system_file(const std::string& path);

/// Without the white space at both ends.
std::string_view trim(std::string_view text);

/// Pieces between `separator`s; of white space, see words().
std::vector<std::string_view> split(std::string_view text, char separator);
/// Pieces between any runs of spaces, tabs and newlines.
std::vector<std::string_view> words(std::string_view text);

/// The whole text as one decimal number.
template <std::integral T>
std::optional<T> parse_number(std::string_view text) {
  text = trim(text);
  T value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The number in a file that holds nothing else.
template <std::integral T>
std::optional<T> read_number(const std::string& path) {
  const auto text = read_system_file(path);
  return text ? parse_number<T>(*text) : std::nullopt;
}

/// The number after `key` (as /proc/meminfo and memory.stat have it: one a line, "key: 12 kB" or
/// "key 12").
std::optional<uint64_t> find_number(std::string_view text, std::string_view key);

}  // namespace handmill::probe
