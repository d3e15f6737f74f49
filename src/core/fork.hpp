// Whether this process was forked, and state that isn't shared with the one that it was forked
// from: a child has its parent's memory, but none of its threads.
#pragma once

#include <atomic>
#include <memory>

namespace aios {

// Grows by one in every child that this process forks.
int forkGeneration() noexcept;

// A T for each process, made when it is first needed. A child makes its own: its parent's may be
// locked by a thread that the child doesn't have. None is ever destroyed: other threads may still
// use it while the process exits.
template <typename T>
class PerProcess {
 public:
  T& get() {
    const int generation = forkGeneration();
    Made* known = current_.load(std::memory_order_acquire);
    if (known != nullptr && known->generation == generation) return known->value;
    auto fresh = std::make_unique<Made>();
    fresh->generation = generation;
    if (current_.compare_exchange_strong(known, fresh.get())) return fresh.release()->value;
    return known->value;
  }

 private:
  struct Made {
    int generation = 0;
    T value;
  };
  std::atomic<Made*> current_ = nullptr;
};

}  // namespace aios
