#include "aios/kernels/softmax.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::randomValues;

template <int Rows, int N, std::uint32_t Beta = floatBits(1.0f)>
void checkSoftmax(float low, float high) {
  SCOPED_TRACE(::testing::Message() << "Rows=" << Rows << " N=" << N);
  const std::vector<float> x = randomValues(Rows * N, low, high);
  std::vector<double> expected(Rows * N);
  for (int r = 0; r < Rows; ++r) {
    const double beta = floatFromBits(Beta);
    double top = -INFINITY, sum = 0.0;
    for (int i = 0; i < N; ++i) top = std::fmax(top, beta * x[r * N + i]);
    for (int i = 0; i < N; ++i) sum += std::exp(beta * x[r * N + i] - top);
    for (int i = 0; i < N; ++i) expected[r * N + i] = std::exp(beta * x[r * N + i] - top) / sum;
  }
  std::vector<float> y(Rows * N + 1, -7.0f);
  softmax<Rows, N, Beta>(x.data(), y.data());
  testing::expectClose(y.data(), expected, 1e-6);
  EXPECT_EQ(y.back(), -7.0f);
}

template <int N>
void checkUpTo() {
  checkSoftmax<2, N>(-2.0f, 2.0f);
  checkSoftmax<1, N>(-100.0f, 100.0f);
  if constexpr (N > 1) checkUpTo<N - 1>();
}

TEST(Softmax, MatchesDoubleForEveryWidth) { checkUpTo<40>(); }

TEST(Softmax, MatchesDoubleForWideRowsAndScales) {
  checkSoftmax<3, 64>(-5.0f, 5.0f);
  checkSoftmax<2, 129>(-5.0f, 5.0f);
  checkSoftmax<1, 1000>(-5.0f, 5.0f);
  checkSoftmax<2, 17, floatBits(0.25f)>(-30.0f, 30.0f);
}

TEST(Softmax, PutsAllOnTheTopLogitWhenItIsFarAbove) {
  const float x[3] = {-100.0f, 100.0f, -100.0f};
  float y[3];
  softmax<1, 3>(x, y);
  EXPECT_EQ(y[0], 0.0f);
  EXPECT_EQ(y[1], 1.0f);
  EXPECT_EQ(y[2], 0.0f);
}

TEST(Softmax, IsUniformForEqualLogitsSoPaddedLanesDoNotCount) {
  const float x[7] = {-3e38f, -3e38f, -3e38f, -3e38f, -3e38f, -3e38f, -3e38f};
  float y[7];
  softmax<1, 7>(x, y);
  for (float value : y) EXPECT_NEAR(value, 1.0f / 7.0f, 1e-7f);
}

TEST(Softmax, FillsItsRowWithNanAndNoOther) {
  float x[34] = {};
  x[20] = NAN;
  softmax<2, 17>(x, x);
  for (int i = 0; i < 17; ++i) EXPECT_NEAR(x[i], 1.0f / 17.0f, 1e-7f);
  for (int i = 17; i < 34; ++i) EXPECT_TRUE(std::isnan(x[i]));
}

}  // namespace
}  // namespace aios::kernels
