#include "core/fork.hpp"

#include <pthread.h>

namespace aios {
namespace {

std::atomic<int> generation = 0;

// Registered once, when the library is loaded.
[[maybe_unused]] const int registered =
    ::pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });

}  // namespace

int forkGeneration() noexcept { return generation.load(std::memory_order_relaxed); }

}  // namespace aios
