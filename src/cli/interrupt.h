// Ctrl-C as a flag: while a Guard lives, the first SIGINT only raises it, so that an answer can be
// stopped between two steps. A third one that nobody has taken ends the program as usual.
#pragma once

#include <csignal>
#include <cstddef>
#include <sys/types.h>

namespace handmill::cli::interrupt {

class Guard {
 public:
  Guard();
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  struct sigaction before_{};
};

/// Whether SIGINT has come since the last clear().
bool raised();
void clear();

/// A read that Ctrl-C ends: the number of bytes, 0 at the end, −1 after Ctrl-C or an error.
ssize_t read(int fd, char* out, size_t bytes);

}  // namespace handmill::cli::interrupt
