#include "aios/kernels/layer_norm.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::randomValues;

template <int Rows, int C>
void checkLayerNorm() {
  constexpr float kEpsilon = 1e-3f;
  const auto x = randomValues(Rows * C, -3.0f, 5.0f), gamma = randomValues(C),
             beta = randomValues(C);
  std::vector<double> expected(Rows * C);
  for (int r = 0; r < Rows; ++r) {
    double mean = 0, variance = 0;
    for (int c = 0; c < C; ++c) mean += x[r * C + c] / static_cast<double>(C);
    for (int c = 0; c < C; ++c) variance += std::pow(x[r * C + c] - mean, 2) / C;
    for (int c = 0; c < C; ++c)
      expected[r * C + c] =
          (x[r * C + c] - mean) / std::sqrt(variance + kEpsilon) * gamma[c] + beta[c];
  }
  std::vector<float> y(Rows * C);
  layerNorm<Rows, C, floatBits(kEpsilon)>(x.data(), gamma.data(), beta.data(), y.data());
  testing::expectClose(y.data(), expected);
}

TEST(LayerNorm, MatchesAPlainLoop) {
  checkLayerNorm<1, 1>();
  checkLayerNorm<3, 5>();
  checkLayerNorm<2, 16>();
  checkLayerNorm<4, 20>();
  checkLayerNorm<2, 128>();
  checkLayerNorm<1, 131>();
}

TEST(LayerNorm, KeepsItsAccuracyFarFromZero) {
  std::vector<float> x(64), ones(64, 1.0f), zeros(64, 0.0f), y(64);
  for (int i = 0; i < 64; ++i) x[i] = 10000.0f + static_cast<float>(i % 2);
  layerNorm<1, 64, floatBits(1e-6f)>(x.data(), ones.data(), zeros.data(), y.data());
  EXPECT_NEAR(y[0], -1.0f, 1e-3);
  EXPECT_NEAR(y[1], 1.0f, 1e-3);
}

TEST(L2Normalise, DividesByTheLengthAndSurvivesZero) {
  auto x = randomValues(2 * 19);
  for (int i = 19; i < 38; ++i) x[i] = 0.0f;
  double squares = 0;
  for (int i = 0; i < 19; ++i) squares += static_cast<double>(x[i]) * x[i];
  std::vector<float> y(39, -77.0f);
  l2Normalise<2, 19>(x.data(), y.data());
  for (int i = 0; i < 19; ++i) EXPECT_NEAR(y[i], x[i] / std::sqrt(squares), 1e-6);
  EXPECT_EQ(y[37], 0.0f);
  EXPECT_EQ(y[38], -77.0f);
}

}  // namespace
}  // namespace aios::kernels
