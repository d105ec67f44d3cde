// The nearest of the names that exist, for "did you mean …?". Serves flags, commands, parameters
// and models alike.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace handmill::cli {

/// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`; upper and lower
/// case, and '-' and '_', count as equal.
int edit_distance(std::string_view a, std::string_view b);

/// The nearest name, if it is near enough that someone may have meant it: at most a third of its
/// letters away, or one of the two begins with the other (three letters at least).
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> names);

/// ` (did you mean "--threads"?)`, or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> names);

}  // namespace handmill::cli
