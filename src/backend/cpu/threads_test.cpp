#include "backend/cpu/threads.h"

#include <gtest/gtest.h>

namespace handmill::backend {
namespace {

TEST(Threads, EveryTaskRunsOnceAndItsWritesAreSeen) {
  for (const int count : {1, 2, 7}) {
    Threads threads(count);
    EXPECT_EQ(threads.count(), count);
    std::vector<int> done(1000), workers(static_cast<size_t>(count));
    for (int round = 0; round < 2000; ++round) {
      const size_t tasks = static_cast<size_t>(round) % 40;
      threads.run(tasks, [&](size_t i, int worker) {
        done[i] += 1;
        ASSERT_LT(worker, count);
        workers[static_cast<size_t>(worker)] += 1;
      });
    }
    // 50 rounds of every number of tasks: task i runs in those of more than i.
    for (size_t i = 0; i < 40; ++i) EXPECT_EQ(done[i], 50 * (39 - static_cast<int>(i)));
    int all = 0;
    for (const int n : workers) all += n;
    EXPECT_EQ(all, 50 * 39 * 40 / 2);
  }
}

TEST(Threads, SleepingWorkersWake) {
  Threads threads(3);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> sum{0};
    threads.run(100, [&](size_t i, int) { sum += static_cast<int>(i); });
    EXPECT_EQ(sum, 4950);
  }
}

TEST(Threads, CountsItsBarriers) {
  Threads threads(2), alone(1);
  for (const size_t tasks : {0, 1, 2, 9}) {
    threads.run(tasks, [](size_t, int) {});
    alone.run(tasks, [](size_t, int) {});
  }
  EXPECT_EQ(threads.barriers(), 2u);  // what one thread does needs no waiting
  EXPECT_EQ(alone.barriers(), 0u);
}

}  // namespace
}  // namespace handmill::backend
