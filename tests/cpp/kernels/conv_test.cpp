#include "aios/kernels/conv.hpp"

#include <gtest/gtest.h>

#include "conv_reference.hpp"
#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
void checkConv() {
  SCOPED_TRACE(::testing::Message()
               << S::kHeight << "x" << S::kWidth << "x" << S::kChannels << " -> " << S::kFilters
               << " kernel " << S::kKernelH << "x" << S::kKernelW << " stride " << S::kStrideH
               << "x" << S::kStrideW << " pixels " << S::kPixels);
  const std::vector<float> x = randomValues(S::kInputFloats);
  const std::vector<float> filters = randomValues(S::kFilters * S::kDepth);
  const std::vector<float> bias = randomValues(S::kFilters);
  const std::vector<float> residual = randomValues(S::kOutputFloats);
  std::vector<double> expected = testing::plainConv<S>(x, filters, bias);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (kResidual == Residual::kBeforeActivation) expected[i] += residual[i];
    expected[i] = Epilogue::apply(splat(static_cast<float>(expected[i])))[0];
    if (kResidual == Residual::kAfterActivation) expected[i] += residual[i];
  }
  const Buffer packed = testing::packConv<S>(filters, bias);
  ASSERT_EQ(packed.size(), kConvPackedFloats<S>);
  Buffer scratch(kConvScratch<S> + 1, NAN);
  std::vector<float> y(S::kOutputFloats + 1, -77.0f);
  conv2d<S, Epilogue, kResidual>(x.data(), packed.data(), y.data(), scratch.data(),
                                 residual.data());
  testing::expectClose(y.data(), expected);
  EXPECT_EQ(y.back(), -77.0f);
  EXPECT_TRUE(std::isnan(scratch[kConvScratch<S>]));
}

TEST(Conv2d, MatchesAPlainLoopWithoutPadding) {
  checkConv<ConvShape<1, 28, 28, 1, 8, 3, 3>, Relu>();
  checkConv<ConvShape<1, 13, 13, 8, 16, 3, 3>, Relu>();
  checkConv<ConvShape<2, 9, 11, 3, 5, 3, 3>>();
  checkConv<ConvShape<1, 5, 5, 2, 1, 5, 5>>();
  checkConv<ConvShape<1, 12, 14, 4, 1, 3, 3>>();
  checkConv<ConvShape<1, 7, 9, 3, 40, 2, 3>>();
  checkConv<ConvShape<3, 6, 6, 5, 33, 1, 1>>();
  checkConv<ConvShape<1, 4, 4, 7, 70, 3, 3>>();
  checkConv<ConvShape<1, 8, 30, 2, 2, 3, 3>>();
  checkConv<ConvShape<2, 4, 3, 5, 6, 4, 3>>();
}

TEST(Conv2d, MatchesAPlainLoopWithPaddingAndStride) {
  checkConv<ConvShape<1, 14, 14, 16, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>, Relu>();
  checkConv<ConvShape<2, 15, 15, 3, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1>, Relu6>();
  checkConv<ConvShape<1, 16, 16, 3, 8, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1>>();
  checkConv<ConvShape<1, 23, 23, 3, 64, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3>>();
  checkConv<ConvShape<1, 8, 8, 6, 10, 1, 1, 2, 2>>();
  checkConv<ConvShape<1, 7, 7, 12, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>>();
  checkConv<ConvShape<1, 3, 9, 2, 6, 2, 4, 3, 2, 1, 1, 0, 1, 2, 3>>();
  checkConv<ConvShape<1, 5, 5, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1>>();
}

TEST(Conv2d, MatchesAPlainLoopWithDilation) {
  checkConv<ConvShape<1, 12, 12, 4, 6, 3, 3, 1, 1, 2, 2>>();
  checkConv<ConvShape<1, 12, 12, 4, 34, 3, 3, 1, 1, 2, 3, 2, 3, 2, 3>>();
  checkConv<ConvShape<1, 12, 12, 4, 6, 3, 3, 1, 1, 2, 1, 2, 1, 2, 1>>();
}

TEST(Conv2d, ComputesCausalOneDimensionalConvolutions) {
  checkConv<ConvShape<1, 1, 96, 4, 16, 1, 5, 1, 1, 1, 1, 0, 4, 0, 0>, Relu>();
  checkConv<ConvShape<1, 1, 96, 16, 16, 1, 5, 1, 1, 1, 2, 0, 8, 0, 0>, Relu>();
  checkConv<ConvShape<3, 1, 20, 3, 4, 1, 2, 1, 2, 1, 1, 0, 0, 0, 1>>();
}

TEST(Conv2d, AddsAResidual) {
  using S = ConvShape<2, 6, 7, 5, 18, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>;
  checkConv<S, Relu, Residual::kBeforeActivation>();
  checkConv<S, Relu, Residual::kAfterActivation>();
  checkConv<ConvShape<1, 6, 8, 5, 4, 3, 3>, Relu, Residual::kBeforeActivation>();
  checkConv<ConvShape<1, 6, 8, 5, 20, 1, 1>, Relu, Residual::kBeforeActivation>();
}

TEST(Conv2d, ComputesAnyRangeOfRows) {
  using S = ConvShape<2, 9, 5, 3, 37, 3, 3>;
  const std::vector<float> x = randomValues(S::kInputFloats);
  const Buffer packed =
      testing::packConv<S>(randomValues(S::kFilters * S::kDepth), randomValues(S::kFilters));
  std::vector<float> whole(S::kOutputFloats), pieces(S::kOutputFloats);
  conv2d<S>(x.data(), packed.data(), whole.data(), nullptr);
  ASSERT_EQ(kConvTasks<S>, 14);
  const int cuts[] = {0, 3, 4, 11, 14};
  for (int i = 0; i < 4; ++i)
    conv2dRange<S>(x.data(), packed.data(), pieces.data(), nullptr, cuts[i], cuts[i + 1]);
  for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(whole[i], pieces[i], 1e-5);
}

}  // namespace
}  // namespace aios::kernels
