// Max and average pooling over NHWC tensors. Padding never takes part: an average divides by the
// number of elements inside the tensor.
#pragma once

#include "aios/kernels/epilogue.hpp"
#include "aios/kernels/reduce.hpp"

namespace aios::kernels {

// Sizes: input height, width, channels; window; stride; padding above and left; output.
template <int H, int W, int C, int WindowH, int WindowW, int StrideH, int StrideW, int Top,
          int Left, int OutH, int OutW>
struct PoolShape {
  static constexpr int kH = H, kW = W, kC = C, kWindowH = WindowH, kWindowW = WindowW;
  static constexpr int kStrideH = StrideH, kStrideW = StrideW, kTop = Top, kLeft = Left;
  static constexpr int kOutH = OutH, kOutW = OutW;
};

namespace detail {

// `rows` × `columns` pixels at x, Vectors vectors of channels; the last has LastLanes.
template <class Op, class P, int Vectors, int LastLanes, class Epilogue>
AIOS_KERNEL void poolWindow(const float* x, float* y, int rows, int columns, float scale) {
  Vec acc[Vectors];
  AIOS_UNROLL
  for (int v = 0; v < Vectors; ++v) acc[v] = splat(Op::template start<float>());
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      const float* pixel = x + (r * P::kW + c) * P::kC;
      AIOS_UNROLL
      for (int v = 0; v < Vectors - 1; ++v) acc[v] = Op::join(acc[v], load(pixel + v * kLanes));
      acc[Vectors - 1] =
          Op::join(acc[Vectors - 1], loadPartial<LastLanes>(pixel + (Vectors - 1) * kLanes));
    }
  }
  AIOS_UNROLL
  for (int v = 0; v < Vectors - 1; ++v)
    store(y + v * kLanes, Epilogue::apply(acc[v] * splat(scale)));
  storePartial<LastLanes>(y + (Vectors - 1) * kLanes,
                          Epilogue::apply(acc[Vectors - 1] * splat(scale)));
}

template <class Op, class P, class Epilogue>
AIOS_KERNEL void poolChannels(const float* x, float* y, int rows, int columns, float scale) {
  constexpr int kWidth = 4 * kLanes;
  constexpr int kBlocks = (P::kC - 1) / kWidth * kWidth;
  constexpr int kRest = P::kC - kBlocks;
  constexpr int kVectors = vectorsFor(kRest);
  for (int c = 0; c < kBlocks; c += kWidth)
    poolWindow<Op, P, 4, kLanes, Epilogue>(x + c, y + c, rows, columns, scale);
  poolWindow<Op, P, kVectors, kRest - (kVectors - 1) * kLanes, Epilogue>(x + kBlocks, y + kBlocks,
                                                                         rows, columns, scale);
}

template <class Op, bool kAverage, int N, class P, class Epilogue>
AIOS_KERNEL void pool(const float* x, float* y) {
  for (int n = 0; n < N; ++n) {
    for (int oh = 0; oh < P::kOutH; ++oh) {
      const int top = oh * P::kStrideH - P::kTop;
      const int first_row = top < 0 ? 0 : top;
      const int end_row = top + P::kWindowH < P::kH ? top + P::kWindowH : P::kH;
      for (int ow = 0; ow < P::kOutW; ++ow) {
        const int left = ow * P::kStrideW - P::kLeft;
        const int first_column = left < 0 ? 0 : left;
        const int end_column = left + P::kWindowW < P::kW ? left + P::kWindowW : P::kW;
        const int rows = end_row - first_row, columns = end_column - first_column;
        const float scale = kAverage ? 1.0f / static_cast<float>(rows * columns) : 1.0f;
        const float* window = x + ((n * P::kH + first_row) * P::kW + first_column) * P::kC;
        float* out = y + ((n * P::kOutH + oh) * P::kOutW + ow) * P::kC;
        if (rows == P::kWindowH && columns == P::kWindowW) {
          constexpr float kScale = kAverage ? 1.0f / (P::kWindowH * P::kWindowW) : 1.0f;
          poolChannels<Op, P, Epilogue>(window, out, P::kWindowH, P::kWindowW, kScale);
        } else {
          poolChannels<Op, P, Epilogue>(window, out, rows, columns, scale);
        }
      }
    }
  }
}

}  // namespace detail

template <int N, class P, class Epilogue = Identity>
AIOS_KERNEL_NOINLINE void maxPool(const float* __restrict x, float* __restrict y) noexcept {
  detail::pool<Largest, false, N, P, Epilogue>(x, y);
}
template <int N, class P, class Epilogue = Identity>
AIOS_KERNEL_NOINLINE void averagePool(const float* __restrict x, float* __restrict y) noexcept {
  detail::pool<Sum, true, N, P, Epilogue>(x, y);
}

}  // namespace aios::kernels
