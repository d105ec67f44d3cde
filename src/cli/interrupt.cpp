#include "cli/interrupt.h"

#include <atomic>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace handmill::cli::interrupt {
namespace {

std::atomic<int> count{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait for a lock");

// A step may be stuck or just long; who presses three times wants out.
constexpr int kImpatient = 3;

void on_signal(int number) {
  if (count.fetch_add(1) + 1 < kImpatient) return;
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace

Guard::Guard() {
  clear();
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // stdio loses text when a write of it is broken off
  ::sigaction(SIGINT, &action, &before_);
}

Guard::~Guard() { ::sigaction(SIGINT, &before_, nullptr); }

bool raised() { return count.load() > 0; }
void clear() { count.store(0); }

ssize_t read(int fd, char* out, size_t bytes) {
  // Signals are let in only while it waits, so that none can slip between the look at the flag and
  // the wait.
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  ssize_t got = -1;
  while (!raised()) {
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::ppoll(&waiting, 1, nullptr, &before);
    if (ready < 0 && errno == EINTR) continue;  // a changed window, or Ctrl-C: the flag tells
    got = ready < 0 ? -1 : ::read(fd, out, bytes);
    if (got >= 0 || (errno != EINTR && errno != EAGAIN)) break;
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return got;
}

}  // namespace handmill::cli::interrupt
