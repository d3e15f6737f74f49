// Sums, means, products, extremes over axes; positions of extremes.
//
// A tensor is seen as [Outer, Middle, Inner] and Middle is reduced.
#pragma once

#include <cstdint>
#include <limits>

#include "aios/kernels/walk.hpp"

namespace aios::kernels {

struct Sum {
  template <class T>
  static constexpr T start() {
    return T{};
  }
  template <class V>
  static AIOS_KERNEL V join(V a, V b) {
    return a + b;
  }
  static AIOS_KERNEL float across(Vec v) { return reduceAdd(v); }
};
struct Product {
  template <class T>
  static constexpr T start() {
    return T{1};
  }
  template <class V>
  static AIOS_KERNEL V join(V a, V b) {
    return a * b;
  }
  static AIOS_KERNEL float across(Vec v) {
    float result = v[0];
    for (int i = 1; i < kLanes; ++i) result *= v[i];
    return result;
  }
};
struct Largest {
  template <class T>
  static constexpr T start() {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  }
  template <class V>
  static AIOS_KERNEL V join(V a, V b) {
    return a > b ? a : b;
  }
  static AIOS_KERNEL float across(Vec v) { return reduceMax(v); }
};
struct Smallest {
  template <class T>
  static constexpr T start() {
    return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::max();
  }
  template <class V>
  static AIOS_KERNEL V join(V a, V b) {
    return a < b ? a : b;
  }
  static AIOS_KERNEL float across(Vec v) { return -reduceMax(-v); }
};
struct Any {
  template <class T>
  static constexpr T start() {
    return false;
  }
  static AIOS_KERNEL bool join(bool a, bool b) { return a || b; }
};
struct All {
  template <class T>
  static constexpr T start() {
    return true;
  }
  static AIOS_KERNEL bool join(bool a, bool b) { return a && b; }
};

namespace detail {

// One dense row, with four chains so that no addition waits for the one before it.
template <class Op, std::ptrdiff_t N>
AIOS_KERNEL float reduceRow(const float* x) {
  constexpr std::ptrdiff_t kBlock = 4 * kLanes;
  constexpr std::ptrdiff_t kBlocks = N / kBlock * kBlock, kWhole = N / kLanes * kLanes;
  constexpr int kRest = static_cast<int>(N - kWhole);
  const float start = Op::template start<float>();
  Vec acc[4] = {splat(start), splat(start), splat(start), splat(start)};
  for (std::ptrdiff_t i = 0; i < kBlocks; i += kBlock) {
    AIOS_UNROLL
    for (int k = 0; k < 4; ++k) acc[k] = Op::join(acc[k], load(x + i + k * kLanes));
  }
  for (std::ptrdiff_t i = kBlocks; i < kWhole; i += kLanes) acc[0] = Op::join(acc[0], load(x + i));
  if constexpr (kRest > 0) acc[1] = Op::join(acc[1], loadFilled<kRest>(x + kWhole, start));
  return Op::across(Op::join(Op::join(acc[0], acc[1]), Op::join(acc[2], acc[3])));
}

// Vectors of columns: y[i] = join over m of x[m, i].
template <class Op, std::ptrdiff_t Middle, std::ptrdiff_t Inner, int Vectors, int LastLanes>
AIOS_KERNEL void reduceColumns(const float* x, float* y, float scale) {
  Vec acc[Vectors];
  AIOS_UNROLL
  for (int v = 0; v < Vectors; ++v) acc[v] = splat(Op::template start<float>());
  for (std::ptrdiff_t m = 0; m < Middle; ++m) {
    AIOS_UNROLL
    for (int v = 0; v < Vectors - 1; ++v)
      acc[v] = Op::join(acc[v], load(x + m * Inner + v * kLanes));
    acc[Vectors - 1] =
        Op::join(acc[Vectors - 1], loadPartial<LastLanes>(x + m * Inner + (Vectors - 1) * kLanes));
  }
  AIOS_UNROLL
  for (int v = 0; v < Vectors - 1; ++v) store(y + v * kLanes, acc[v] * splat(scale));
  storePartial<LastLanes>(y + (Vectors - 1) * kLanes, acc[Vectors - 1] * splat(scale));
}

}  // namespace detail

// float32: y[o, i] = (join over m of x[o, m, i]) / Divisor.
template <class Op, std::ptrdiff_t Outer, std::ptrdiff_t Middle, std::ptrdiff_t Inner,
          std::ptrdiff_t Divisor = 1>
AIOS_KERNEL_NOINLINE void reduce(const float* __restrict x, float* __restrict y) noexcept {
  constexpr float kScale = 1.0f / static_cast<float>(Divisor);
  if constexpr (Inner == 1) {
    for (std::ptrdiff_t o = 0; o < Outer; ++o)
      y[o] = detail::reduceRow<Op, Middle>(x + o * Middle) * kScale;
  } else {
    constexpr std::ptrdiff_t kWidth = 4 * kLanes;
    constexpr std::ptrdiff_t kBlocks = (Inner - 1) / kWidth * kWidth;
    constexpr int kRest = static_cast<int>(Inner - kBlocks);
    constexpr int kVectors = vectorsFor(kRest);
    for (std::ptrdiff_t o = 0; o < Outer; ++o) {
      const float* rows = x + o * Middle * Inner;
      float* out = y + o * Inner;
      for (std::ptrdiff_t i = 0; i < kBlocks; i += kWidth)
        detail::reduceColumns<Op, Middle, Inner, 4, kLanes>(rows + i, out + i, kScale);
      detail::reduceColumns<Op, Middle, Inner, kVectors, kRest - (kVectors - 1) * kLanes>(
          rows + kBlocks, out + kBlocks, kScale);
    }
  }
}

namespace detail {
template <class Op, int Axis, class Shape, class Steps, class T>
AIOS_KERNEL T reduceAxes(const T* x, T acc) {
  for (std::ptrdiff_t i = 0; i < Shape::at(Axis); ++i) {
    if constexpr (Axis + 1 == Shape::kRank) {
      acc = static_cast<T>(Op::join(acc, x[i * Steps::at(Axis)]));
    } else {
      acc = reduceAxes<Op, Axis + 1, Shape, Steps>(x + i * Steps::at(Axis), acc);
    }
  }
  return acc;
}
template <class Op, int Axis, class Kept, class KeptSteps, class Reduced, class ReducedSteps,
          class T>
AIOS_KERNEL void reduceKept(const T* x, T* y, T scale) {
  for (std::ptrdiff_t i = 0; i < Kept::at(Axis); ++i) {
    const T* from = x + i * KeptSteps::at(Axis);
    if constexpr (Axis + 1 == Kept::kRank) {
      const T value = reduceAxes<Op, 0, Reduced, ReducedSteps>(from, Op::template start<T>());
      if constexpr (std::numeric_limits<T>::has_infinity) {
        y[i] = value * scale;
      } else {
        y[i] = value;
      }
    } else {
      reduceKept<Op, Axis + 1, Kept, KeptSteps, Reduced, ReducedSteps>(
          from, y + i * Kept::product(Axis + 1), scale);
    }
  }
}
}  // namespace detail

// Any type and any axes: y[k] = join over r of x[k · KeptSteps + r · ReducedSteps].
template <class Op, class Kept, class KeptSteps, class Reduced, class ReducedSteps, class T>
inline void reduceAny(const T* __restrict x, T* __restrict y) noexcept {
  detail::reduceKept<Op, 0, Kept, KeptSteps, Reduced, ReducedSteps>(x, y, T{1});
}
// Likewise, divided by the number of elements.
template <class Kept, class KeptSteps, class Reduced, class ReducedSteps, class T>
inline void meanAny(const T* __restrict x, T* __restrict y) noexcept {
  detail::reduceKept<Sum, 0, Kept, KeptSteps, Reduced, ReducedSteps>(
      x, y, T{1} / static_cast<T>(Reduced::product(0)));
}

// The position of the first largest (or smallest) element along Middle.
template <bool kMaximum, std::ptrdiff_t Outer, std::ptrdiff_t Middle, std::ptrdiff_t Inner, class T,
          class Index>
inline void argExtreme(const T* __restrict x, Index* __restrict y) noexcept {
  for (std::ptrdiff_t o = 0; o < Outer; ++o) {
    for (std::ptrdiff_t i = 0; i < Inner; ++i) {
      const T* column = x + o * Middle * Inner + i;
      std::ptrdiff_t best = 0;
      for (std::ptrdiff_t m = 1; m < Middle; ++m) {
        const T value = column[m * Inner], so_far = column[best * Inner];
        if (kMaximum ? value > so_far : value < so_far) best = m;
      }
      y[o * Inner + i] = static_cast<Index>(best);
    }
  }
}

}  // namespace aios::kernels
