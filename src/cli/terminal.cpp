#include "cli/terminal.h"

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace handmill::cli::terminal {

void use_utf8() {
  // Only characters: numbers keep their point, in JSON as everywhere.
  if (std::setlocale(LC_CTYPE, "") == nullptr || std::string_view(nl_langinfo(CODESET)) != "UTF-8")
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

bool has_style(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return is_terminal(fd) && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

int width(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string dim(int fd, std::string_view text) {
  if (text.empty() || !has_style(fd)) return std::string(text);
  return std::string(kDim).append(text).append(kReset);
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    // C1 controls, U+0080 to U+009F: C2 80 to C2 9F.
    const bool c1 =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c0 || c1)
      out += "\xEF\xBF\xBD";
    else
      out += text[i];
    if (c1) ++i;
  }
  return out;
}

void print(std::string_view text) {
  const std::string shown = is_terminal(STDOUT_FILENO) ? printable(text) : std::string(text);
  std::fwrite(shown.data(), 1, shown.size(), stdout);
}

}  // namespace handmill::cli::terminal
