// How many threads the calls of this process may use together, over all cells and engines.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace aios::runtime {

// Safe from any thread.
class ThreadBudget {
 public:
  // `size` threads, in a process that the system lets use `cpus`.
  ThreadBudget(int size, int cpus) : size_(size), cpus_(cpus), free_(size) {}

  int size() const noexcept { return size_; }
  // What is left of a wish.
  int cut(int threads) const noexcept { return threads < size_ ? threads : size_; }

  // Whether a call on so many threads has to hold a share. One on its caller's thread alone needs
  // none, unless the budget is smaller than what the system keeps the process to anyway.
  bool governs(int threads) const noexcept { return threads > 1 || size_ < cpus_; }

  // Calls that wait for their share.
  std::size_t waiting() const;

  // Threads of the budget, held until the end of the scope.
  class Share {
   public:
    // Waits until `threads`, at most the budget's size, are free; first come, first served. Whoever
    // holds a share waits for nothing that needs one.
    Share(ThreadBudget& budget, int threads) : budget_(budget), threads_(threads) {
      budget_.take(threads_);
    }
    ~Share() { budget_.giveBack(threads_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    ThreadBudget& budget_;
    const int threads_;
  };

 private:
  void take(int threads);
  void giveBack(int threads);

  const int size_;
  const int cpus_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
  uint64_t next_ticket_ = 0;
  uint64_t now_serving_ = 0;
};

// The size of a budget: `wish` (the value of $AIOS_THREADS; null or empty: none), else `cpus`.
// Throws InvalidArgument for a wish that isn't a number from 1 on.
int budgetSize(const char* wish, int cpus);

// This process's: of $AIOS_THREADS threads, else of as many as there are usable CPUs. Read when it
// is first needed; a forked child has one of its own, of the same size. Throws as budgetSize().
ThreadBudget& threadBudget();

}  // namespace aios::runtime
