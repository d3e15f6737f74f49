// Numbers that go from one type to another unchanged, or not at all.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

namespace aios::server::wire {

// Whether a type of numbers has this integer.
template <typename To>
constexpr bool holds(int64_t value) noexcept {
  if constexpr (std::is_floating_point_v<To>) {
    constexpr int64_t kMost = int64_t{1} << std::numeric_limits<To>::digits;
    return -kMost <= value && value <= kMost;
  } else if constexpr (std::is_same_v<To, bool>) {
    return value == 0 || value == 1;
  } else if constexpr (std::is_unsigned_v<To>) {
    return value >= 0 && static_cast<uint64_t>(value) <= std::numeric_limits<To>::max();
  } else {
    return value >= std::numeric_limits<To>::min() && value <= std::numeric_limits<To>::max();
  }
}

}  // namespace aios::server::wire
