#include "aios/kernels/shape.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "aios/kernels/ordering.hpp"

namespace aios::kernels {
namespace {

template <class T>
std::vector<T> counted(int size) {
  std::vector<T> values(size);
  std::iota(values.begin(), values.end(), T{1});
  return values;
}

TEST(CopyAxes, TransposesThreeAxes) {
  const auto x = counted<float>(2 * 3 * 5);
  std::vector<float> y(x.size() + 1, -7.0f);
  copyAxes<Axes<5, 2, 3>, Axes<1, 15, 5>, Axes<6, 3, 1>>(x.data(), y.data());
  for (int a = 0; a < 2; ++a)
    for (int b = 0; b < 3; ++b)
      for (int c = 0; c < 5; ++c) ASSERT_EQ(y[c * 6 + a * 3 + b], x[a * 15 + b * 5 + c]);
  EXPECT_EQ(y.back(), -7.0f);
}

TEST(CopyAxes, WalksBackwardsAndRepeats) {
  const auto x = counted<std::int64_t>(6);
  std::vector<std::int64_t> reversed(6), tiled(12);
  copyAxes<Axes<6>, Axes<-1>, Axes<1>>(x.data() + 5, reversed.data());
  EXPECT_EQ(reversed, (std::vector<std::int64_t>{6, 5, 4, 3, 2, 1}));
  copyAxes<Axes<2, 6>, Axes<0, 1>, Axes<6, 1>>(x.data(), tiled.data());
  EXPECT_EQ(tiled[0], 1);
  EXPECT_EQ(tiled[6], 1);
  EXPECT_EQ(tiled[11], 6);
}

TEST(CopyAxes, CopiesLongRowsWhole) {
  const auto x = counted<float>(3 * 300);
  std::vector<float> y(3 * 500, 0.0f);
  copyAxes<Axes<3, 300>, Axes<300, 1>, Axes<500, 1>>(x.data(), y.data() + 100);
  EXPECT_EQ(y[99], 0.0f);
  EXPECT_EQ(y[100], 1.0f);
  EXPECT_EQ(y[500 + 100 + 299], 600.0f);
  EXPECT_EQ(y[500 + 400], 0.0f);
}

TEST(Gather, TakesRowsAndKeepsIndicesInside) {
  const auto table = counted<float>(4 * 3);
  const std::int32_t ids[5] = {2, 0, -1, 4, 2147483647};
  std::vector<float> y(15);
  gather<1, 4, 5, 3>(table.data(), ids, y.data());
  EXPECT_EQ(y[0], 7.0f);
  EXPECT_EQ(y[3], 1.0f);
  EXPECT_EQ(y[6], 1.0f) << "a negative index is taken as 0";
  EXPECT_EQ(y[9], 10.0f) << "one past the end is taken as the last";
  EXPECT_EQ(y[14], 12.0f);
}

TEST(Gather, WorksAlongAnInnerAxis) {
  const auto x = counted<std::int32_t>(2 * 3 * 2);
  const std::int64_t ids[2] = {2, 1};
  std::vector<std::int32_t> y(8);
  gather<2, 3, 2, 2>(x.data(), ids, y.data());
  EXPECT_EQ(y, (std::vector<std::int32_t>{5, 6, 3, 4, 11, 12, 9, 10}));
}

TEST(CumulativeSum, GoesForwardsBackwardsAndExclusively) {
  const float x[4] = {1, 2, 3, 4};
  std::vector<float> y(4);
  cumulative<Total, 1, 4, 1, false, false>(x, y.data());
  EXPECT_EQ(y, (std::vector<float>{1, 3, 6, 10}));
  cumulative<Total, 1, 4, 1, true, false>(x, y.data());
  EXPECT_EQ(y, (std::vector<float>{0, 1, 3, 6}));
  cumulative<Total, 1, 4, 1, false, true>(x, y.data());
  EXPECT_EQ(y, (std::vector<float>{10, 9, 7, 4}));
  cumulative<Total, 1, 2, 2, false, false>(x, y.data());
  EXPECT_EQ(y, (std::vector<float>{1, 2, 4, 6}));
}

TEST(OneHot, MarksThePlaceAndIgnoresIdsOutOfRange) {
  const std::int32_t ids[3] = {2, -1, 5};
  const float on = 4.0f, off = -1.0f;
  std::vector<float> y(9);
  oneHot<3, 3, 1>(ids, &on, &off, y.data());
  EXPECT_EQ(y, (std::vector<float>{-1, -1, 4, -1, -1, -1, -1, -1, -1}));
  oneHot<1, 2, 3>(ids, &on, &off, y.data());
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 6), (std::vector<float>(6, -1.0f)));
}

TEST(Fill, RepeatsOneValue) {
  const std::uint8_t value = 9;
  std::vector<std::uint8_t> y(6, 0);
  fill<5>(&value, y.data());
  EXPECT_EQ(y, (std::vector<std::uint8_t>{9, 9, 9, 9, 9, 0}));
}

}  // namespace
}  // namespace aios::kernels
