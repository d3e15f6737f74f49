#include "aios/kernels/pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "aios/kernels/resize.hpp"
#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::randomValues;

template <int N, class P>
void checkPools() {
  SCOPED_TRACE(::testing::Message() << P::kH << "x" << P::kW << "x" << P::kC);
  const auto x = randomValues(N * P::kH * P::kW * P::kC);
  const int size = N * P::kOutH * P::kOutW * P::kC;
  std::vector<double> largest(size), mean(size);
  for (int n = 0; n < N; ++n)
    for (int oh = 0; oh < P::kOutH; ++oh)
      for (int ow = 0; ow < P::kOutW; ++ow)
        for (int c = 0; c < P::kC; ++c) {
          double best = -1e30, sum = 0;
          int count = 0;
          for (int kh = 0; kh < P::kWindowH; ++kh)
            for (int kw = 0; kw < P::kWindowW; ++kw) {
              const int h = oh * P::kStrideH + kh - P::kTop, w = ow * P::kStrideW + kw - P::kLeft;
              if (h < 0 || w < 0 || h >= P::kH || w >= P::kW) continue;
              const double value = x[((n * P::kH + h) * P::kW + w) * P::kC + c];
              best = std::max(best, value);
              sum += value;
              ++count;
            }
          const int at = ((n * P::kOutH + oh) * P::kOutW + ow) * P::kC + c;
          largest[at] = std::max(best, 0.0);
          mean[at] = sum / count;
        }
  std::vector<float> y(size + 1, -77.0f);
  maxPool<N, P, Relu>(x.data(), y.data());
  testing::expectClose(y.data(), largest);
  averagePool<N, P>(x.data(), y.data());
  testing::expectClose(y.data(), mean);
  EXPECT_EQ(y.back(), -77.0f);
}

TEST(Pool, MatchesAPlainLoop) {
  checkPools<1, PoolShape<4, 4, 1, 2, 2, 2, 2, 0, 0, 2, 2>>();
  checkPools<2, PoolShape<13, 11, 6, 3, 3, 2, 2, 1, 1, 7, 6>>();
  checkPools<1, PoolShape<7, 5, 17, 2, 3, 1, 1, 0, 1, 6, 5>>();
  checkPools<1, PoolShape<6, 6, 64, 3, 3, 3, 3, 0, 0, 2, 2>>();
  checkPools<1, PoolShape<5, 5, 70, 5, 5, 1, 1, 2, 2, 5, 5>>();
}

TEST(Resize, BilinearBlendsFourNeighbours) {
  constexpr int kC = 5;
  const auto x = randomValues(2 * 2 * kC);
  const std::int32_t rows[6] = {0, 0, 0, 1, 1, 1}, columns[4] = {0, 1, 1, 1};
  const float down[3] = {0.0f, 0.25f, 0.0f}, right[2] = {0.75f, 0.0f};
  std::vector<float> y(3 * 2 * kC);
  resizeBilinear<1, 2, 2, kC, 3, 2>(x.data(), rows, down, columns, right, y.data());
  for (int c = 0; c < kC; ++c) {
    const float tl = x[c], tr = x[kC + c], bl = x[2 * kC + c], br = x[3 * kC + c];
    EXPECT_NEAR(y[c], 0.25f * tl + 0.75f * tr, 1e-6);
    const float top = 0.25f * tl + 0.75f * tr, bottom = 0.25f * bl + 0.75f * br;
    EXPECT_NEAR(y[2 * kC + c], 0.75f * top + 0.25f * bottom, 1e-6);
    EXPECT_NEAR(y[5 * kC + c], br, 1e-6);
  }
}

TEST(Resize, NearestTakesWholePixels) {
  const float x[4] = {1, 2, 3, 4};
  const std::int32_t rows[3] = {0, 0, 1}, columns[3] = {0, 1, 1};
  float y[9];
  resizeNearest<1, 2, 2, 1, 3, 3>(x, rows, columns, y);
  const float expected[9] = {1, 2, 2, 1, 2, 2, 3, 4, 4};
  for (int i = 0; i < 9; ++i) EXPECT_EQ(y[i], expected[i]);
}

}  // namespace
}  // namespace aios::kernels
