// Tells a client that does too much of what costs it nothing from one that is only busy.
#pragma once

#include <algorithm>
#include <cstdint>

namespace aios::server::protocol {

// What the client does is paid out of credit; answered requests and time earn it.
class FloodGuard {
 public:
  struct Rates {
    uint64_t burst = 0;       // the credit at the beginning, and the most of it
    uint64_t per_tick = 0;    // about a second
    uint64_t per_answer = 0;  // so that a busy client may do more
  };

  explicit constexpr FloodGuard(Rates rates) noexcept : rates_(rates), credit_(rates.burst) {}

  // False where it is a flood.
  bool spend() noexcept {
    if (credit_ == 0) return false;
    --credit_;
    return true;
  }
  void tick() noexcept { earn(rates_.per_tick); }
  void answered() noexcept { earn(rates_.per_answer); }

 private:
  void earn(uint64_t amount) noexcept { credit_ = std::min(credit_ + amount, rates_.burst); }

  Rates rates_;
  uint64_t credit_;
};

}  // namespace aios::server::protocol
