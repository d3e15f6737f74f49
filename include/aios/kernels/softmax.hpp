// Softmax over the last axis: y[r][i] = e^(Beta x[r][i]) / Σ_j e^(Beta x[r][j]).
//
// Stable at any magnitude (the row's maximum is subtracted); padded lanes count as -inf, so they
// add nothing to a sum. x and y may have any alignment, and may be the same. A NaN fills its row.
#pragma once

#include "aios/kernels/epilogue.hpp"
#include "aios/kernels/math.hpp"
#include "aios/kernels/vec.hpp"

namespace aios::kernels {

namespace detail {

inline constexpr float kMinusInfinity = -__builtin_inff();

template <int N, std::uint32_t Beta>
AIOS_KERNEL Vec loadScaled(const float* x) {
  const Vec v = loadFilled<N>(x, kMinusInfinity);
  return Beta == floatBits(1.0f) ? v : v * splat(floatFromBits(Beta));
}

// Four maxima or sums at once, so that none waits for the one before it.
template <int Whole, class Step>
AIOS_KERNEL void forVectors(Step step) {
  constexpr int kVectors = Whole / kLanes;
  int i = 0;
  for (; i + 4 <= kVectors; i += 4) {
    AIOS_UNROLL
    for (int lane = 0; lane < 4; ++lane) step((i + lane) * kLanes, lane);
  }
  for (int lane = 0; i < kVectors; ++i, ++lane) step(i * kLanes, lane);
}

}  // namespace detail

template <int N, std::uint32_t Beta = floatBits(1.0f)>
AIOS_KERNEL void softmaxRow(const float* x, float* y) {
  using namespace detail;
  constexpr int kWhole = (N - 1) / kLanes * kLanes;
  constexpr int kRest = N - kWhole;
  const Vec rest = loadScaled<kRest, Beta>(x + kWhole);
  if constexpr (kWhole == 0) {
    const Vec power = exp(rest - splat(reduceMax<kRest>(rest)));
    storePartial<kRest>(y, power * (splat(1.0f) / splat(reduceAdd<kRest>(power))));
  } else {
    Vec most[4] = {rest, rest, rest, rest};
    forVectors<kWhole>([&](int at, int lane) __attribute__((always_inline, nothrow)) {
      most[lane] = max(most[lane], loadScaled<kLanes, Beta>(x + at));
    });
    const Vec top = splat(reduceMax(max(max(most[0], most[1]), max(most[2], most[3]))));
    const Vec rest_power = exp(rest - top);
    Vec sum[4] = {rest_power, Vec{}, Vec{}, Vec{}};
    forVectors<kWhole>([&](int at, int lane) __attribute__((always_inline, nothrow)) {
      const Vec power = exp(loadScaled<kLanes, Beta>(x + at) - top);
      sum[lane] = sum[lane] + power;
      store(y + at, power);
    });
    const Vec scale = splat(1.0f) / splat(reduceAdd((sum[0] + sum[1]) + (sum[2] + sum[3])));
    for (int at = 0; at < kWhole; at += kLanes) store(y + at, load(y + at) * scale);
    storePartial<kRest>(y + kWhole, rest_power * scale);
  }
}

template <int Rows, int N, std::uint32_t Beta = floatBits(1.0f)>
inline void softmax(const float* x, float* y) noexcept {
  static_assert(Rows >= 1 && N >= 1, "softmax needs positive sizes");
  for (int row = 0; row < Rows; ++row) softmaxRow<N, Beta>(x + row * N, y + row * N);
}

}  // namespace aios::kernels
