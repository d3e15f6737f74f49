#include "aios/kernels/ordering.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::randomValues;

template <int N, int K>
void checkTopK(std::vector<float> x) {
  std::vector<float> values(K + 1, -77.0f);
  std::vector<std::int32_t> places(K + 1, -77);
  topK<1, N, K>(x.data(), values.data(), places.data());
  std::vector<std::int32_t> order(N);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return x[a] > x[b]; });
  for (int k = 0; k < K; ++k) {
    ASSERT_EQ(places[k], order[k]) << N << " at " << k;
    ASSERT_EQ(values[k], x[order[k]]);
  }
  EXPECT_EQ(places[K], -77) << "wrote beyond its end";
}

TEST(TopK, OrdersEqualElementsByTheirPlace) {
  checkTopK<1, 1>({3.0f});
  checkTopK<7, 7>({1, 2, 1, 2, 2, 1, 3});
  checkTopK<6, 2>({0, 0, 0, 0, 0, 0});
  checkTopK<257, 257>(randomValues(257));
  checkTopK<257, 9>(randomValues(257));
}

TEST(TopK, PutsNotANumberFirst) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float x[4] = {1.0f, nan, 5.0f, nan};
  float values[3];
  std::int32_t places[3];
  topK<1, 4, 3>(x, values, places);
  EXPECT_TRUE(std::isnan(values[0]) && std::isnan(values[1]));
  EXPECT_EQ(places[0], 1);
  EXPECT_EQ(places[1], 3);
  EXPECT_EQ(places[2], 2);
}

TEST(Bucketize, CountsTheBoundariesThatAreNotAbove) {
  const float bounds[3] = {-1.0f, 0.0f, 2.0f}, x[5] = {-2.0f, -1.0f, 0.5f, 2.0f, 9.0f};
  std::int32_t y[5];
  bucketize<5, 3>(x, bounds, y);
  EXPECT_EQ(std::vector<std::int32_t>(y, y + 5), (std::vector<std::int32_t>{0, 1, 2, 3, 3}));
}

}  // namespace
}  // namespace aios::kernels
