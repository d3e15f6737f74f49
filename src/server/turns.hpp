// Which calls of many are those of a share: as evenly as can be, and not by chance.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>

namespace aios::server {

// Safe from any thread.
class Turns {
 public:
  // `share` is from 0, none, to 1, all.
  explicit Turns(double share) noexcept : share_(share) {}

  // Whether this call is one of them: of n calls, floor(n * share) are.
  bool next() const noexcept {
    const auto before = static_cast<double>(count_.fetch_add(1, std::memory_order_relaxed));
    return std::floor((before + 1) * share_) != std::floor(before * share_);
  }

 private:
  const double share_;
  mutable std::atomic<uint64_t> count_ = 0;
};

}  // namespace aios::server
