// Layer normalisation and L2 normalisation over the last axis.
#pragma once

#include "aios/kernels/epilogue.hpp"
#include "aios/kernels/reduce.hpp"

namespace aios::kernels {

namespace detail {
// Σ (x - mean)², over one dense row.
template <int C>
AIOS_KERNEL float squaredDeviation(const float* x, Vec mean) {
  constexpr int kWhole = C / kLanes * kLanes, kRest = C - kWhole;
  Vec acc[2] = {};
  for (int i = 0; i < kWhole; i += kLanes) {
    const Vec d = load(x + i) - mean;
    acc[(i / kLanes) % 2] += d * d;
  }
  if constexpr (kRest > 0) {
    Vec d = loadPartial<kRest>(x + kWhole) - mean;
    for (int i = kRest; i < kLanes; ++i) d[i] = 0.0f;
    acc[1] += d * d;
  }
  return reduceAdd(acc[0] + acc[1]);
}
template <int N>
AIOS_KERNEL void normaliseVector(const float* x, const float* gamma, const float* beta, float* y,
                                 Vec mean, Vec scale) {
  const Vec g = loadPartial<N>(gamma) * scale;
  storePartial<N>(y, (loadPartial<N>(x) - mean) * g + loadPartial<N>(beta));
}
}  // namespace detail

// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta for each of Rows rows of C elements; y
// may be x. `EpsilonBits` are the bits of the float.
template <int Rows, int C, std::uint32_t EpsilonBits>
AIOS_KERNEL_NOINLINE void layerNorm(const float* x, const float* __restrict gamma,
                                    const float* __restrict beta, float* y) noexcept {
  constexpr float kShare = 1.0f / C;
  constexpr int kWhole = C / kLanes * kLanes, kRest = C - kWhole;
  for (int row = 0; row < Rows; ++row, x += C, y += C) {
    const Vec mean = splat(detail::reduceRow<Sum, C>(x) * kShare);
    const float variance = detail::squaredDeviation<C>(x, mean) * kShare;
    const Vec scale = splat(1.0f / __builtin_sqrtf(variance + floatFromBits(EpsilonBits)));
    for (int i = 0; i < kWhole; i += kLanes)
      detail::normaliseVector<kLanes>(x + i, gamma + i, beta + i, y + i, mean, scale);
    if constexpr (kRest > 0)
      detail::normaliseVector<kRest>(x + kWhole, gamma + kWhole, beta + kWhole, y + kWhole, mean,
                                     scale);
  }
}

// y = x / max(|x|, 1e-6) for each of Rows rows of C elements; y may be x.
template <int Rows, int C>
AIOS_KERNEL_NOINLINE void l2Normalise(const float* x, float* y) noexcept {
  constexpr int kWhole = C / kLanes * kLanes, kRest = C - kWhole;
  for (int row = 0; row < Rows; ++row, x += C, y += C) {
    const float length = __builtin_sqrtf(detail::squaredDeviation<C>(x, Vec{}));
    const Vec scale = splat(1.0f / (length > 1e-6f ? length : 1e-6f));
    for (int i = 0; i < kWhole; i += kLanes) store(y + i, load(x + i) * scale);
    if constexpr (kRest > 0)
      storePartial<kRest>(y + kWhole, loadPartial<kRest>(x + kWhole) * scale);
  }
}

}  // namespace aios::kernels
