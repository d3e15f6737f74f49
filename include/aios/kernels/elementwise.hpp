// Elementwise functions of several tensors, with broadcasting.
//
// y[i] = F::apply(x0[i · Steps0], x1[i · Steps1], …) for every index i of Shape; y is dense and
// row-major, and may be one of the inputs when that is dense, too. The compiler has merged axes, so
// that the innermost is as long as it can be.
#pragma once

#include "aios/kernels/functions.hpp"
#include "aios/kernels/walk.hpp"

namespace aios::kernels {

namespace detail {

// N floats, Step apart.
template <int N, std::ptrdiff_t Step>
AIOS_KERNEL Vec fetch(const float* p) {
  if constexpr (Step == 0) {
    return splat(*p);
  } else if constexpr (Step == 1) {
    return loadPartial<N>(p);
  } else {
    Vec v{};
    for (int i = 0; i < N; ++i) v[i] = p[i * Step];
    return v;
  }
}

template <class F, std::ptrdiff_t N, std::ptrdiff_t... Step, class... X>
AIOS_KERNEL void elementwiseRow(float* y, const X*... x) {
  constexpr std::ptrdiff_t kWhole = N / kLanes * kLanes;
#pragma GCC unroll 4
  for (std::ptrdiff_t i = 0; i < kWhole; i += kLanes)
    store(y + i, F::apply(fetch<kLanes, Step>(x + i * Step)...));
  if constexpr (kWhole < N) {
    constexpr int kRest = static_cast<int>(N - kWhole);
    storePartial<kRest>(y + kWhole, F::apply(fetch<kRest, Step>(x + kWhole * Step)...));
  }
}

template <class F, int Axis, class Shape, class... Steps, class... X>
AIOS_KERNEL void elementwiseAxis(float* y, const X*... x) {
  constexpr std::ptrdiff_t kSize = Shape::at(Axis);
  if constexpr (Axis + 1 == Shape::kRank) {
    elementwiseRow<F, kSize, Steps::at(Axis)...>(y, x...);
  } else {
    for (std::ptrdiff_t i = 0; i < kSize; ++i)
      elementwiseAxis<F, Axis + 1, Shape, Steps...>(y + i * Shape::product(Axis + 1),
                                                    (x + i * Steps::at(Axis))...);
  }
}

template <class F, int Axis, class Shape, class... Steps, class Y, class... X>
AIOS_KERNEL void mapAxis(Y* y, const X*... x) {
  constexpr std::ptrdiff_t kSize = Shape::at(Axis);
  for (std::ptrdiff_t i = 0; i < kSize; ++i) {
    if constexpr (Axis + 1 == Shape::kRank) {
      y[i] = F::apply(x[i * Steps::at(Axis)]...);
    } else {
      mapAxis<F, Axis + 1, Shape, Steps...>(y + i * Shape::product(Axis + 1),
                                            (x + i * Steps::at(Axis))...);
    }
  }
}

}  // namespace detail

// float32 throughout, by vectors.
template <class F, class Shape, class... Steps>
struct Elementwise {
  template <class... Pointers>
  static AIOS_KERNEL_NOINLINE void run(float* y, const Pointers*... x) noexcept {
    detail::elementwiseAxis<F, 0, Shape, Steps...>(y, x...);
  }
};

// Any types, element by element.
template <class F, class Shape, class... Steps>
struct Map {
  template <class Y, class... X>
  static AIOS_KERNEL_NOINLINE void run(Y* y, const X*... x) noexcept {
    detail::mapAxis<F, 0, Shape, Steps...>(y, x...);
  }
};

}  // namespace aios::kernels
