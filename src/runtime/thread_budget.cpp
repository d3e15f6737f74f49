#include "runtime/thread_budget.hpp"

#include <cstdlib>
#include <limits>
#include <string>

#include "aios/error.hpp"
#include "core/fork.hpp"
#include "runtime/cpu_limits.hpp"

namespace aios::runtime {
namespace {

struct ProcessBudget {
  ProcessBudget() : ProcessBudget(usableCpus(affinityCpus(), cgroupCpus())) {}
  explicit ProcessBudget(int cpus) : budget(budgetSize(std::getenv("AIOS_THREADS"), cpus), cpus) {}

  ThreadBudget budget;
};

}  // namespace

std::size_t ThreadBudget::waiting() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return next_ticket_ - now_serving_;
}

void ThreadBudget::take(int threads) {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t ticket = next_ticket_++;
  changed_.wait(lock, [&] { return ticket == now_serving_ && threads <= free_; });
  ++now_serving_;
  free_ -= threads;
  // There may be enough for the next one too.
  if (now_serving_ != next_ticket_ && free_ > 0) changed_.notify_all();
}

void ThreadBudget::giveBack(int threads) {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_ += threads;
  if (now_serving_ != next_ticket_) changed_.notify_all();
}

int budgetSize(const char* wish, int cpus) {
  if (wish == nullptr || *wish == '\0') return cpus;
  char* end = nullptr;
  const long threads = std::strtol(wish, &end, 10);
  if (*end == '\0' && threads >= 1 && threads <= std::numeric_limits<int>::max()) {
    return static_cast<int>(threads);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "AIOS_THREADS: expected the number of threads that this "
              "process may use, 1 or more, got '" +
                  std::string(wish) + "'");
}

// A child must not wait for shares that its parent's threads hold.
ThreadBudget& threadBudget() {
  static PerProcess<ProcessBudget> made;
  return made.get().budget;
}

}  // namespace aios::runtime
