// Resizing NHWC tensors. The compiler computes where each output row and column comes from.
#pragma once

#include <cstdint>

#include "aios/kernels/elementwise.hpp"

namespace aios::kernels {

namespace detail {
// y = a + (b - a) * t over C channels, b - a and t as given.
template <int C>
AIOS_KERNEL void blendRow(const float* tl, const float* tr, const float* bl, const float* br,
                          float down, float right, float* y) {
  struct Blend {
    static AIOS_KERNEL Vec apply(Vec a, Vec b, Vec c, Vec d, Vec v, Vec h) {
      const Vec one = splat(1.0f);
      return (a * (one - v) + c * v) * (one - h) + (b * (one - v) + d * v) * h;
    }
  };
  elementwiseRow<Blend, C, 1, 1, 1, 1, 0, 0>(y, tl, tr, bl, br, &down, &right);
}
}  // namespace detail

// rows and columns: for each output index its two source indices; down and right: the share of the
// second one.
template <int N, int H, int W, int C, int OutH, int OutW>
AIOS_KERNEL_NOINLINE void resizeBilinear(const float* __restrict x,
                                         const std::int32_t* __restrict rows,
                                         const float* __restrict down,
                                         const std::int32_t* __restrict columns,
                                         const float* __restrict right,
                                         float* __restrict y) noexcept {
  for (int n = 0; n < N; ++n) {
    for (int oh = 0; oh < OutH; ++oh) {
      const float* top = x + (n * H + rows[2 * oh]) * W * C;
      const float* bottom = x + (n * H + rows[2 * oh + 1]) * W * C;
      for (int ow = 0; ow < OutW; ++ow) {
        const int l = columns[2 * ow] * C, r = columns[2 * ow + 1] * C;
        detail::blendRow<C>(top + l, top + r, bottom + l, bottom + r, down[oh], right[ow],
                            y + ((n * OutH + oh) * OutW + ow) * C);
      }
    }
  }
}

// rows and columns: the source index of each output index.
template <int N, int H, int W, int C, int OutH, int OutW>
AIOS_KERNEL_NOINLINE void resizeNearest(const float* __restrict x,
                                        const std::int32_t* __restrict rows,
                                        const std::int32_t* __restrict columns,
                                        float* __restrict y) noexcept {
  for (int n = 0; n < N; ++n) {
    for (int oh = 0; oh < OutH; ++oh) {
      const float* row = x + (n * H + rows[oh]) * W * C;
      for (int ow = 0; ow < OutW; ++ow)
        __builtin_memcpy(y + ((n * OutH + oh) * OutW + ow) * C, row + columns[ow] * C,
                         C * sizeof(float));
    }
  }
}

}  // namespace aios::kernels
