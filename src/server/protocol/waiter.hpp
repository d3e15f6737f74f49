// Who waits for the answer to a request, and for how long.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace aios::server::protocol {

using Clock = std::chrono::steady_clock;

// Set once nobody waits for an answer any more. Any thread may read it.
using CancelFlag = std::shared_ptr<const std::atomic<bool>>;

// Of one request at a time; of the connection's thread.
class Cancellation {
 public:
  Cancellation() = default;
  ~Cancellation() { cancel(); }
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  // For whoever answers later; one that is answered at once costs no flag.
  CancelFlag flag() {
    if (flag_ == nullptr) flag_ = std::make_shared<std::atomic<bool>>(false);
    return flag_;
  }
  void cancel() noexcept {
    if (flag_ != nullptr) flag_->store(true, std::memory_order_relaxed);
  }
  // Before the next request.
  void reset() noexcept { flag_.reset(); }

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

struct Waiter {
  uint64_t request = 0;  // its number on its connection, for Connection::complete()
  // Nobody waits longer.
  Clock::time_point deadline = Clock::time_point::max();
  Cancellation* cancellation = nullptr;  // null where a request is never given up
};

}  // namespace aios::server::protocol
