// Moving elements about: copies, transposes, slices, concatenations.
#pragma once

#include <cstddef>
#include <cstring>

namespace aios::kernels {

// Copies a whole tensor.
template <std::size_t Bytes>
inline void copyBytes(const void* x, void* y) noexcept {
  std::memcpy(y, x, Bytes);
}

}  // namespace aios::kernels
