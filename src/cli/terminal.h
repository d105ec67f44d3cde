// What the terminal can show: colours, width, progress, and text that came from a model made fit
// for it. NO_COLOR and TERM=dumb are respected; whatever is not a terminal gets plain text.
#pragma once

#include <string>
#include <string_view>

namespace handmill::cli::terminal {

/// Makes the C library read and write UTF-8, whatever the environment's locale says.
void use_utf8();

bool is_terminal(int fd);
/// A terminal on which escape sequences are wanted.
bool has_style(int fd);
int width(int fd);  // columns; 80 where unknown

inline constexpr std::string_view kDim = "\x1b[2m";
inline constexpr std::string_view kReset = "\x1b[0m";
inline constexpr std::string_view kClearLine = "\r\x1b[K";

/// `text` in grey where `fd` has_style.
std::string dim(int fd, std::string_view text);

/// Control characters other than line feed and tab as U+FFFD: a model's answer must not drive the
/// terminal. `text` is UTF-8.
std::string printable(std::string_view text);

/// Writes to standard output: printable on a terminal, as it is elsewhere.
void print(std::string_view text);

}  // namespace handmill::cli::terminal
