// Shapes and strides as types, and loops over them.
#pragma once

#include <cstddef>

#include "aios/kernels/vec.hpp"

namespace aios::kernels {

// Sizes of a tensor, or the steps (in elements) that one index takes along each axis; 0 repeats an
// element, a negative step walks backwards.
template <std::ptrdiff_t... N>
struct Axes {
  static constexpr int kRank = sizeof...(N);
  static constexpr std::ptrdiff_t at(int axis) {
    constexpr std::ptrdiff_t kValues[] = {N...};
    return kValues[axis];
  }
  // The product of the entries from `axis` on.
  static constexpr std::ptrdiff_t product(int axis) {
    std::ptrdiff_t result = 1;
    for (; axis < kRank; ++axis) result *= at(axis);
    return result;
  }
};

}  // namespace aios::kernels
