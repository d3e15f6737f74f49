#include "aios/kernels/transposed_conv.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

// Mirrors packing.pack_transposed_conv2d.
template <class S>
Buffer packTransposedConv(const std::vector<float>& filters, const std::vector<float>& bias) {
  constexpr int kPhases = S::kStrideH * S::kStrideW;
  Buffer all(transposedConvOffset<S>(kPhases));
  std::size_t at = 0;
  for (int phase = 0; phase < kPhases; ++phase) {
    const int ph = phase / S::kStrideW, pw = phase % S::kStrideW;
    const int taps_h = S::tapsH(ph), taps_w = S::tapsW(pw);
    std::vector<float> matrix;
    for (int jh = taps_h - 1; jh >= 0; --jh)
      for (int jw = taps_w - 1; jw >= 0; --jw)
        for (int c = 0; c < S::kChannels; ++c)
          for (int f = 0; f < S::kFilters; ++f) {
            const int ky = ph + jh * S::kStrideH, kx = pw + jw * S::kStrideW;
            matrix.push_back(
                filters[((f * S::kKernelH + ky) * S::kKernelW + kx) * S::kChannels + c]);
          }
    const Buffer packed =
        testing::packPanels(matrix, bias, taps_h * taps_w * S::kChannels, S::kFilters);
    for (std::size_t i = 0; i < packed.size(); ++i) all[at++] = packed[i];
  }
  return all;
}

template <class S, class Epilogue = Identity>
void checkTransposed() {
  SCOPED_TRACE(::testing::Message()
               << S::kHeight << "x" << S::kWidth << "x" << S::kChannels << " -> " << S::kOutHeight
               << "x" << S::kOutWidth << "x" << S::kFilters << " kernel " << S::kKernelH << "x"
               << S::kKernelW);
  const std::vector<float> x = randomValues(S::kInputFloats);
  const std::vector<float> filters =
      randomValues(S::kFilters * S::kKernelH * S::kKernelW * S::kChannels);
  const std::vector<float> bias = randomValues(S::kFilters);
  std::vector<double> expected(S::kOutputFloats);
  for (int i = 0; i < S::kOutputFloats; ++i) expected[i] = bias[i % S::kFilters];
  for (int b = 0; b < S::kBatch; ++b)
    for (int iy = 0; iy < S::kHeight; ++iy)
      for (int ix = 0; ix < S::kWidth; ++ix)
        for (int ky = 0; ky < S::kKernelH; ++ky)
          for (int kx = 0; kx < S::kKernelW; ++kx) {
            const int oy = iy * S::kStrideH + ky - S::kDeconvPadTop;
            const int ox = ix * S::kStrideW + kx - S::kDeconvPadLeft;
            if (oy < 0 || oy >= S::kOutHeight || ox < 0 || ox >= S::kOutWidth) continue;
            for (int f = 0; f < S::kFilters; ++f)
              for (int c = 0; c < S::kChannels; ++c)
                expected[((b * S::kOutHeight + oy) * S::kOutWidth + ox) * S::kFilters + f] +=
                    static_cast<double>(
                        x[((b * S::kHeight + iy) * S::kWidth + ix) * S::kChannels + c]) *
                    filters[((f * S::kKernelH + ky) * S::kKernelW + kx) * S::kChannels + c];
          }
  for (double& value : expected) value = Epilogue::apply(splat(static_cast<float>(value)))[0];
  const Buffer packed = packTransposedConv<S>(filters, bias);
  Buffer scratch(kTransposedConvScratch<S> + 1, NAN);
  std::vector<float> y(S::kOutputFloats + 1, -77.0f);
  transposedConv2d<S, Epilogue>(x.data(), packed.data(), y.data(), scratch.data());
  testing::expectClose(y.data(), expected);
  EXPECT_EQ(y.back(), -77.0f);
  EXPECT_TRUE(std::isnan(scratch[kTransposedConvScratch<S>]));
}

TEST(TransposedConv2d, MatchesAPlainLoop) {
  checkTransposed<TransposedConvShape<1, 7, 7, 8, 16, 3, 3, 2, 2, 14, 14, 0, 0>, Relu>();
  checkTransposed<TransposedConvShape<1, 7, 5, 3, 37, 4, 4, 2, 2, 14, 10, 1, 1>>();
  checkTransposed<TransposedConvShape<2, 6, 6, 5, 4, 3, 3, 2, 2, 13, 13>>();
  checkTransposed<TransposedConvShape<1, 5, 9, 4, 6, 5, 5, 3, 2, 17, 21>>();
  checkTransposed<TransposedConvShape<1, 8, 8, 3, 1, 3, 3, 1, 1, 8, 8, 1, 1>>();
  checkTransposed<TransposedConvShape<1, 1, 12, 2, 3, 1, 3, 1, 2, 1, 24, 0, 0>>();
}

TEST(TransposedConv2d, FillsOutputsThatNoInputReachesWithTheBias) {
  checkTransposed<TransposedConvShape<1, 4, 4, 3, 20, 1, 1, 2, 2, 8, 8>>();
  checkTransposed<TransposedConvShape<1, 3, 3, 2, 5, 2, 2, 3, 3, 9, 9>, Relu>();
  checkTransposed<TransposedConvShape<1, 2, 2, 2, 5, 2, 2, 2, 2, 9, 7>>();
}

}  // namespace
}  // namespace aios::kernels
