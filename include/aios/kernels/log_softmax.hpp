// Logarithm of softmax over the last axis: y = x - max - log(sum(exp(x - max))).
#pragma once

#include "aios/kernels/math.hpp"
#include "aios/kernels/reduce.hpp"

namespace aios::kernels {

// Rows of Columns elements each; y may be x.
template <int Rows, int Columns>
AIOS_KERNEL_NOINLINE void logSoftmax(const float* x, float* y) noexcept {
  constexpr int kWhole = Columns / kLanes * kLanes, kRest = Columns - kWhole;
  for (int row = 0; row < Rows; ++row, x += Columns, y += Columns) {
    const Vec largest = splat(detail::reduceRow<Largest, Columns>(x));
    Vec sum{};
    for (int i = 0; i < kWhole; i += kLanes) sum += exp(load(x + i) - largest);
    if constexpr (kRest > 0) {
      Vec last = exp(loadPartial<kRest>(x + kWhole) - largest);
      for (int i = kRest; i < kLanes; ++i) last[i] = 0.0f;
      sum += last;
    }
    const Vec shift = largest + log(splat(reduceAdd(sum)));
    for (int i = 0; i < kWhole; i += kLanes) store(y + i, load(x + i) - shift);
    if constexpr (kRest > 0)
      storePartial<kRest>(y + kWhole, loadPartial<kRest>(x + kWhole) - shift);
  }
}

}  // namespace aios::kernels
