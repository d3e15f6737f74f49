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

// y[b, i, j, c] = sum over s, t of u[i, s] v[j, t] x[b, rows[i, s], columns[j, t], c], with TapsH
// and TapsW places and weights for each row and column.
template <int Batch, int Height, int Width, int Channels, int OutHeight, int OutWidth, int TapsH,
          int TapsW>
AIOS_KERNEL_NOINLINE void resample(const float* __restrict x, const std::int32_t* rows,
                                   const float* row_weights, const std::int32_t* columns,
                                   const float* column_weights, float* __restrict y) noexcept {
  for (int b = 0; b < Batch; ++b) {
    const float* image = x + static_cast<std::ptrdiff_t>(b) * Height * Width * Channels;
    for (int i = 0; i < OutHeight; ++i) {
      for (int j = 0; j < OutWidth; ++j, y += Channels) {
        for (int c = 0; c < Channels; ++c) y[c] = 0.0f;
        for (int s = 0; s < TapsH; ++s) {
          const float* row =
              image + static_cast<std::ptrdiff_t>(rows[i * TapsH + s]) * Width * Channels;
          for (int t = 0; t < TapsW; ++t) {
            const float weight = row_weights[i * TapsH + s] * column_weights[j * TapsW + t];
            const float* pixel = row + columns[j * TapsW + t] * Channels;
            for (int c = 0; c < Channels; ++c) y[c] += weight * pixel[c];
          }
        }
      }
    }
  }
}

}  // namespace aios::kernels
