// Products and softmax of any element type, by plain loops: for what isn't float32.
#pragma once

#include <cmath>
#include <cstdint>

#include "aios/kernels/integer_functions.hpp"
#include "aios/kernels/walk.hpp"

namespace aios::kernels {

namespace detail {
// Where a batch's matrix begins: Steps has an entry for each axis of Batch, 0 for one that repeats.
template <class Batch, class Steps>
AIOS_KERNEL std::ptrdiff_t matrixOffset(std::ptrdiff_t batch) {
  std::ptrdiff_t offset = 0;
  for (int axis = Batch::kRank - 1; axis >= 0; --axis) {
    offset += batch % Batch::at(axis) * Steps::at(axis);
    batch /= Batch::at(axis);
  }
  return offset;
}
}  // namespace detail

// y[b, r, c] = sum over d of x[b, r, d] w[b, d, c]; x is [b, d, r] when AdjointX, w [b, c, d] when
// AdjointY. The steps of the batch's axes are in matrices.
template <class Batch, class StepsX, class StepsY, std::ptrdiff_t Rows, std::ptrdiff_t Depth,
          std::ptrdiff_t Columns, bool AdjointX, bool AdjointY, class T>
AIOS_KERNEL_NOINLINE void matmulAny(const T* __restrict x, const T* __restrict w,
                                    T* __restrict y) noexcept {
  for (std::ptrdiff_t b = 0; b < Batch::product(0); ++b) {
    const T* left = x + detail::matrixOffset<Batch, StepsX>(b) * Rows * Depth;
    const T* right = w + detail::matrixOffset<Batch, StepsY>(b) * Depth * Columns;
    for (std::ptrdiff_t r = 0; r < Rows; ++r) {
      T* row = y + (b * Rows + r) * Columns;
      for (std::ptrdiff_t c = 0; c < Columns; ++c) row[c] = T{};
      for (std::ptrdiff_t d = 0; d < Depth; ++d) {
        const T value = AdjointX ? left[d * Rows + r] : left[r * Depth + d];
        for (std::ptrdiff_t c = 0; c < Columns; ++c) {
          const T weight = AdjointY ? right[c * Depth + d] : right[d * Columns + c];
          row[c] = op::add<T>(row[c], op::mul<T>(value, weight));
        }
      }
    }
  }
}

// Softmax, or its logarithm, of each row.
template <std::ptrdiff_t Rows, std::ptrdiff_t Columns, bool Logarithm, class T>
inline void softmaxAny(const T* __restrict x, T* __restrict y) noexcept {
  for (std::ptrdiff_t r = 0; r < Rows; ++r) {
    const T* from = x + r * Columns;
    T* to = y + r * Columns;
    T largest = from[0];
    for (std::ptrdiff_t c = 1; c < Columns; ++c)
      largest = from[c] > largest || from[c] != from[c] ? from[c] : largest;
    T sum = 0;
    for (std::ptrdiff_t c = 0; c < Columns; ++c) {
      to[c] = from[c] - largest;
      sum += std::exp(to[c]);
    }
    const T last = Logarithm ? std::log(sum) : sum;
    for (std::ptrdiff_t c = 0; c < Columns; ++c)
      to[c] = Logarithm ? to[c] - last : std::exp(to[c]) / last;
  }
}

}  // namespace aios::kernels
