#include "cli/interrupt.h"

#include <atomic>

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
  ::sigaction(SIGINT, &action, &before_);  // without SA_RESTART: a waiting read must return
}

Guard::~Guard() { ::sigaction(SIGINT, &before_, nullptr); }

bool raised() { return count.load() > 0; }
void clear() { count.store(0); }

}  // namespace handmill::cli::interrupt
