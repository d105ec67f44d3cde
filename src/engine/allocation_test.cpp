// Counts what operator new is asked for: a steady decode step allocates nothing. Not under clang's
// ThreadSanitizer, whose runtime does not let a program have an operator new of its own.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HANDMILL_OWN_NEW 0
#endif
#endif
#ifndef HANDMILL_OWN_NEW
#include <atomic>
#include <cstdlib>
#include <new>

#include "engine/test_engine.h"

namespace {
std::atomic<bool> counting = false;
std::atomic<int> allocations = 0;

void* allocate(size_t size) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(size_t size) { return allocate(size); }
void* operator new[](size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace handmill::engine {
namespace {

TEST(Allocation, TheCounterCounts) {
  allocations = 0;
  counting = true;
  auto number = std::make_unique<int>(1);
  counting = false;
  EXPECT_EQ(allocations, 1) << *number;
}

TEST(Allocation, ASteadyDecodeStepAllocatesNothing) {
  auto engine = Engine::open(model::TinyModel{}.open(), {.threads = 2, .context = 2048});
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  int tokens = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    Request wanted;  // the default sampling, and a stop string to watch for
    wanted.prompt = random_prompt(20 + 10 * i, i);
    wanted.sampling.seed = i;
    wanted.sampling.repeat_penalty = 1.1f;
    if (i % 2 == 0) wanted.stop = {"never in a random text"};
    ASSERT_TRUE((*engine)->submit(std::move(wanted), [&](const Event&) { ++tokens; }).ok());
  }
  for (int i = 0; i < 20; ++i) ASSERT_TRUE((*engine)->step());
  tokens = 0;
  allocations = 0;
  counting = true;
  for (int i = 0; i < 100; ++i) (*engine)->step();  // past the ends of blocks
  counting = false;
  EXPECT_EQ(tokens, 400);
  EXPECT_EQ(allocations, 0);
}

}  // namespace
}  // namespace handmill::engine
#endif
