#include "aios/kernels/winograd.hpp"

#include <gtest/gtest.h>

#include "conv_reference.hpp"
#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::Buffer;
using testing::randomValues;

// Mirrors packing.pack_winograd.
template <class S>
Buffer packWinograd(const std::vector<float>& filters, const std::vector<float>& bias) {
  const double points[5] = {0.0, 0.75, -0.75, 1.5, -1.5};
  double g[6][3] = {};
  for (int i = 0; i < 5; ++i) {
    double scale = 1.0;
    for (int j = 0; j < 5; ++j) scale *= j == i ? 1.0 : points[i] - points[j];
    for (int k = 0; k < 3; ++k) g[i][k] = std::pow(points[i], k) / scale;
  }
  g[5][2] = 1.0;
  Buffer all(kWinogradPackedFloats<S>);
  std::size_t at = 0;
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) {
      std::vector<float> matrix(S::kChannels * S::kFilters);
      for (int c = 0; c < S::kChannels; ++c)
        for (int f = 0; f < S::kFilters; ++f) {
          double sum = 0.0;
          for (int y = 0; y < 3; ++y)
            for (int x = 0; x < 3; ++x)
              sum += g[i][y] * g[j][x] * filters[((f * 3 + y) * 3 + x) * S::kChannels + c];
          matrix[c * S::kFilters + f] = static_cast<float>(sum);
        }
      const Buffer packed = testing::packPanels(matrix, {}, S::kChannels, S::kFilters);
      for (std::size_t n = 0; n < packed.size(); ++n) all[at++] = packed[n];
    }
  for (int f = 0; f < S::kFilters; ++f) all[at++] = bias[f];
  return all;
}

template <class S, class Epilogue = Identity, Residual kResidual = Residual::kNone>
void checkWinograd() {
  SCOPED_TRACE(::testing::Message()
               << S::kHeight << "x" << S::kWidth << "x" << S::kChannels << " -> " << S::kFilters);
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
  const Buffer packed = packWinograd<S>(filters, bias);
  Buffer scratch(kWinogradScratch<S> + 1, NAN);
  std::vector<float> y(S::kOutputFloats + 1, -77.0f);
  winogradConv2d<S, Epilogue, kResidual>(x.data(), packed.data(), y.data(), scratch.data(),
                                         residual.data());
  testing::expectClose(y.data(), expected, 1e-5);
  EXPECT_EQ(y.back(), -77.0f);
  EXPECT_TRUE(std::isnan(scratch[kWinogradScratch<S>]));
}

template <int Batch, int Size, int Channels, int Filters>
using Same = ConvShape<Batch, Size, Size, Channels, Filters, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1>;

TEST(Winograd, MatchesAPlainLoop) {
  checkWinograd<Same<1, 28, 32, 48>, Relu>();
  checkWinograd<Same<1, 14, 40, 33>>();
  checkWinograd<Same<2, 7, 5, 3>>();
  checkWinograd<Same<1, 1, 2, 2>>();
  checkWinograd<ConvShape<1, 11, 13, 7, 20, 3, 3>>();
  checkWinograd<ConvShape<1, 9, 6, 16, 16, 3, 3, 1, 1, 1, 1, 0, 2, 1, 0>, Relu6>();
}

TEST(Winograd, CoversManyGroupsOfSquares) { checkWinograd<Same<1, 56, 32, 32>>(); }

TEST(Winograd, AddsAResidual) {
  checkWinograd<Same<1, 10, 18, 20>, Relu, Residual::kBeforeActivation>();
  checkWinograd<Same<1, 10, 18, 20>, Relu, Residual::kAfterActivation>();
}

TEST(Winograd, PaysForLargeLayersOnly) {
  EXPECT_TRUE((winogradPays<Same<1, 56, 64, 64>>()));
  EXPECT_TRUE((winogradPays<Same<1, 14, 256, 256>>()));
  EXPECT_FALSE((winogradPays<Same<1, 7, 512, 512>>()));
  EXPECT_FALSE((winogradPays<Same<1, 28, 3, 64>>()));
}

}  // namespace
}  // namespace aios::kernels
