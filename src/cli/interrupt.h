// Ctrl-C as a flag: while a Guard lives, the first SIGINT only raises it, so that an answer can be
// stopped between two steps. A third one that nobody has taken ends the program as usual.
#pragma once

#include <csignal>

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

}  // namespace handmill::cli::interrupt
