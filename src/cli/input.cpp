#include "cli/input.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mapped_file.h"

namespace handmill::cli {
namespace {

constexpr int kPatienceMs = 2000;

}  // namespace

Result<std::string> read_all(int fd, const std::string& name, const std::string& hint) {
  std::string text;
  bool hinted = hint.empty();
  char buffer[65536];
  while (true) {
    pollfd waiting{fd, POLLIN, 0};
    if (!hinted && ::poll(&waiting, 1, kPatienceMs) == 0) {
      fmt::print(stderr, "{}\n", hint);
      hinted = true;
    }
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EBADF) return text;  // closed: there is none
    if (got < 0) return base::io("{}: cannot read: {}", name, std::strerror(errno));
    if (got == 0) return text;
    hinted = true;
    if (text.size() + static_cast<size_t>(got) > kMostInput)
      return base::limit("{}: longer than {} bytes", name, kMostInput);
    text.append(buffer, static_cast<size_t>(got));
  }
}

Result<std::string> read_file(const std::string& path) {
  if (path == "-") return read_all(STDIN_FILENO, "standard input");
  HANDMILL_TRY(const base::MappedFile file, base::MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > kMostInput)
    return base::limit("{}: {} bytes; at most {} are read", path, bytes.size(), kMostInput);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace handmill::cli
