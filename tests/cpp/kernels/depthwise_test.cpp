#include "aios/kernels/depthwise.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

template <class S>
std::vector<double> plainDepthwise(const std::vector<float>& x, const std::vector<float>& filters,
                                   const std::vector<float>& bias) {
  std::vector<double> y;
  for (int b = 0; b < S::kBatch; ++b)
    for (int oy = 0; oy < S::kOutHeight; ++oy)
      for (int ox = 0; ox < S::kOutWidth; ++ox)
        for (int f = 0; f < S::kFilters; ++f) {
          double sum = bias[f];
          for (int ky = 0; ky < S::kKernelH; ++ky)
            for (int kx = 0; kx < S::kKernelW; ++kx) {
              const int iy = oy * S::kStrideH + ky * S::kDilationH - S::kPadTop;
              const int ix = ox * S::kStrideW + kx * S::kDilationW - S::kPadLeft;
              if (iy < 0 || iy >= S::kHeight || ix < 0 || ix >= S::kWidth) continue;
              sum += static_cast<double>(x[((b * S::kHeight + iy) * S::kWidth + ix) * S::kChannels +
                                           f / S::kMultiplier]) *
                     filters[(ky * S::kKernelW + kx) * S::kFilters + f];
            }
          y.push_back(sum);
        }
  return y;
}

// Mirrors packing.pack_depthwise.
template <class S>
Buffer packDepthwise(const std::vector<float>& filters, const std::vector<float>& bias) {
  Buffer packed(kDepthwisePackedFloats<S>);
  std::size_t at = 0;
  for (int first = 0; first < S::kFilters; first += kLanes)
    for (int tap = -1; tap < S::kTaps; ++tap)
      for (int f = first; f < first + kLanes; ++f)
        packed[at++] = f >= S::kFilters ? 0.0f : tap < 0 ? bias[f] : filters[tap * S::kFilters + f];
  return packed;
}

template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
void checkDepthwise() {
  SCOPED_TRACE(::testing::Message()
               << S::kHeight << "x" << S::kWidth << "x" << S::kChannels << " kernel " << S::kKernelH
               << "x" << S::kKernelW << " stride " << S::kStrideH << "x" << S::kStrideW
               << " dilation " << S::kDilationH << "x" << S::kDilationW);
  const std::vector<float> x = randomValues(S::kInputFloats);
  const std::vector<float> filters = randomValues(S::kTaps * S::kFilters);
  const std::vector<float> bias = randomValues(S::kFilters);
  const std::vector<float> residual = randomValues(S::kOutputFloats);
  std::vector<double> expected = plainDepthwise<S>(x, filters, bias);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (kResidual == Residual::kBeforeActivation) expected[i] += residual[i];
    expected[i] = Epilogue::apply(splat(static_cast<float>(expected[i])))[0];
    if (kResidual == Residual::kAfterActivation) expected[i] += residual[i];
  }
  const Buffer packed = packDepthwise<S>(filters, bias);
  Buffer scratch(kDepthwiseScratch<S> + 1, NAN);
  std::vector<float> y(S::kOutputFloats + 1, -77.0f);
  depthwiseConv2d<S, Epilogue, kResidual>(x.data(), packed.data(), y.data(), scratch.data(),
                                          residual.data());
  testing::expectClose(y.data(), expected);
  EXPECT_EQ(y.back(), -77.0f);
  EXPECT_TRUE(std::isnan(scratch[kDepthwiseScratch<S>]));
}

TEST(DepthwiseConv2d, MatchesAPlainLoop) {
  checkDepthwise<DepthwiseShape<1, 14, 14, 32, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>, Relu6>();
  checkDepthwise<DepthwiseShape<2, 7, 7, 21, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>>();
  checkDepthwise<DepthwiseShape<1, 16, 20, 24, 1, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1>>();
  checkDepthwise<DepthwiseShape<1, 15, 17, 5, 1, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2>>();
  checkDepthwise<DepthwiseShape<1, 30, 30, 17, 1, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2>, HardSwish>();
  checkDepthwise<DepthwiseShape<1, 5, 9, 8, 1, 2, 3>>();
  checkDepthwise<DepthwiseShape<1, 1, 40, 3, 1, 1, 7, 1, 1, 1, 1, 0, 6, 0, 0>>();
  checkDepthwise<DepthwiseShape<1, 9, 2, 3, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>>();
  checkDepthwise<DepthwiseShape<1, 1, 1, 33, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>>();
}

TEST(DepthwiseConv2d, MatchesAPlainLoopWithDilationOrWidePadding) {
  checkDepthwise<DepthwiseShape<1, 13, 26, 6, 1, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2>>();
  checkDepthwise<DepthwiseShape<1, 13, 20, 6, 1, 3, 3, 1, 1, 12, 12, 12, 12, 12, 12>>();
  checkDepthwise<DepthwiseShape<1, 6, 6, 18, 1, 3, 3, 3, 3, 1, 1, 5, 7, 5, 7>>();
  checkDepthwise<DepthwiseShape<1, 4, 9, 2, 1, 1, 1, 1, 1, 1, 1, 0, 20, 0, 20>>();
}

TEST(DepthwiseConv2d, MultipliesChannels) {
  checkDepthwise<DepthwiseShape<1, 8, 8, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>, Relu>();
  checkDepthwise<DepthwiseShape<1, 8, 8, 11, 2, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1>>();
}

TEST(DepthwiseConv2d, AddsAResidual) {
  using S = DepthwiseShape<1, 8, 8, 20, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>;
  checkDepthwise<S, Relu, Residual::kBeforeActivation>();
  checkDepthwise<S, Relu, Residual::kAfterActivation>();
}

}  // namespace
}  // namespace aios::kernels
