#include "runtime/process.hpp"

#include <pthread.h>

#include <atomic>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace aios::runtime {
namespace {

std::atomic<int> generation = 0;

// Registered once, when the library is loaded.
[[maybe_unused]] const int registered =
    ::pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });

}  // namespace

int forkGeneration() noexcept { return generation.load(std::memory_order_relaxed); }

void trimMemory() noexcept {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace aios::runtime
