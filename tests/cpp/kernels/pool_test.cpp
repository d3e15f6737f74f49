#include "aios/kernels/pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>

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

}  // namespace
}  // namespace aios::kernels
