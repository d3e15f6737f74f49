// Plain convolution and its packer, for the tests of conv, pooled conv and Winograd.
#pragma once

#include "aios/kernels/conv.hpp"
#include "reference.hpp"

namespace aios::kernels::testing {

// filters are [Filters, KernelH, KernelW, Channels].
template <class S>
std::vector<double> plainConv(const std::vector<float>& x, const std::vector<float>& filters,
                              const std::vector<float>& bias) {
  std::vector<double> y;
  y.reserve(S::kOutputFloats);
  for (int b = 0; b < S::kBatch; ++b) {
    for (int oy = 0; oy < S::kOutHeight; ++oy) {
      for (int ox = 0; ox < S::kOutWidth; ++ox) {
        for (int f = 0; f < S::kFilters; ++f) {
          double sum = bias[f];
          for (int ky = 0; ky < S::kKernelH; ++ky) {
            for (int kx = 0; kx < S::kKernelW; ++kx) {
              const int iy = oy * S::kStrideH + ky * S::kDilationH - S::kPadTop;
              const int ix = ox * S::kStrideW + kx * S::kDilationW - S::kPadLeft;
              if (iy < 0 || iy >= S::kHeight || ix < 0 || ix >= S::kWidth) continue;
              for (int c = 0; c < S::kChannels; ++c)
                sum += static_cast<double>(
                           x[((b * S::kHeight + iy) * S::kWidth + ix) * S::kChannels + c]) *
                       filters[((f * S::kKernelH + ky) * S::kKernelW + kx) * S::kChannels + c];
            }
          }
          y.push_back(sum);
        }
      }
    }
  }
  return y;
}

// Mirrors packing.pack_conv2d.
template <class S>
Buffer packConv(const std::vector<float>& filters, const std::vector<float>& bias) {
  constexpr int kWide = S::kKernelW + (S::kPixels - 1) * S::kStrideW;
  constexpr int kColumns = S::kFilters * S::kPixels;
  std::vector<float> matrix(S::kKernelH * kWide * S::kChannels * kColumns, 0.0f);
  std::vector<float> tiled(kColumns);
  for (int p = 0; p < S::kPixels; ++p) {
    for (int f = 0; f < S::kFilters; ++f) {
      const int column = p * S::kFilters + f;
      tiled[column] = bias[f];
      for (int ky = 0; ky < S::kKernelH; ++ky)
        for (int kx = 0; kx < S::kKernelW; ++kx)
          for (int c = 0; c < S::kChannels; ++c) {
            const int row = (ky * kWide + kx + p * S::kStrideW) * S::kChannels + c;
            matrix[row * kColumns + column] =
                filters[((f * S::kKernelH + ky) * S::kKernelW + kx) * S::kChannels + c];
          }
    }
  }
  return packPanels(matrix, tiled, S::kKernelH * kWide * S::kChannels, kColumns);
}

}  // namespace aios::kernels::testing
