// Counts what a test program asks operator new for. Defines the program's own, so exactly one file
// of a program includes this. Under clang's ThreadSanitizer, whose runtime lets a program have none
// of its own, nothing is counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace handmill::base {
inline std::atomic<uint64_t> allocations = 0;      // calls, ever, of all threads
inline std::atomic<uint64_t> allocated_bytes = 0;  // asked for in them
}  // namespace handmill::base

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HANDMILL_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef HANDMILL_COUNTS_ALLOCATIONS
#define HANDMILL_COUNTS_ALLOCATIONS 1

namespace handmill::base {
inline void* count_allocation(std::size_t size) noexcept {
  ++allocations;
  allocated_bytes += size;
  return std::malloc(size != 0 ? size : 1);
}
inline void* count_or_throw(std::size_t size) {
  if (void* memory = count_allocation(size)) return memory;
  throw std::bad_alloc();
}
// Out of line: GCC would see free() where it expects the pair of an operator new.
[[gnu::noinline]] inline void give_back(void* memory) noexcept { std::free(memory); }
}  // namespace handmill::base

void* operator new(std::size_t size) { return handmill::base::count_or_throw(size); }
void* operator new[](std::size_t size) { return handmill::base::count_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return handmill::base::count_allocation(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return handmill::base::count_allocation(size);
}
void operator delete(void* memory) noexcept { handmill::base::give_back(memory); }
void operator delete[](void* memory) noexcept { handmill::base::give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { handmill::base::give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { handmill::base::give_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  handmill::base::give_back(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  handmill::base::give_back(memory);
}
#endif
