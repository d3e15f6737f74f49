#include "aios/kernels/reduce.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::randomValues;

template <class Op, int Outer, int Middle, int Inner, int Divisor = 1>
void checkReduce(double start, double (*join)(double, double)) {
  SCOPED_TRACE(::testing::Message() << Outer << "x" << Middle << "x" << Inner);
  const auto x = randomValues(Outer * Middle * Inner, 0.5f, 1.5f);
  std::vector<float> y(Outer * Inner + 1, -77.0f);
  reduce<Op, Outer, Middle, Inner, Divisor>(x.data(), y.data());
  for (int o = 0; o < Outer; ++o) {
    for (int i = 0; i < Inner; ++i) {
      double expected = start;
      for (int m = 0; m < Middle; ++m) expected = join(expected, x[(o * Middle + m) * Inner + i]);
      expected /= Divisor;
      ASSERT_NEAR(y[o * Inner + i], expected, 1e-5 * std::max(1.0, std::fabs(expected)));
    }
  }
  EXPECT_EQ(y.back(), -77.0f);
}

double add(double a, double b) { return a + b; }
double multiply(double a, double b) { return a * b; }
double larger(double a, double b) { return std::max(a, b); }
double smaller(double a, double b) { return std::min(a, b); }

template <int Outer, int Middle, int Inner>
void checkAll() {
  checkReduce<Sum, Outer, Middle, Inner>(0, add);
  checkReduce<Sum, Outer, Middle, Inner, Middle>(0, add);
  checkReduce<Product, Outer, Middle, Inner>(1, multiply);
  checkReduce<Largest, Outer, Middle, Inner>(-1e30, larger);
  checkReduce<Smallest, Outer, Middle, Inner>(1e30, smaller);
}

TEST(Reduce, MatchesAPlainLoopAlongRows) {
  checkAll<3, 1, 1>();
  checkAll<2, 5, 1>();
  checkAll<1, 16, 1>();
  checkAll<4, 17, 1>();
  checkAll<2, 71, 1>();
}

TEST(Reduce, MatchesAPlainLoopAlongColumns) {
  checkAll<1, 3, 2>();
  checkAll<2, 4, 16>();
  checkAll<3, 5, 33>();
  checkAll<1, 7, 64>();
  checkAll<2, 6, 150>();
}

TEST(Reduce, LargestOfNegativesIsNegative) {
  const float x[3] = {-5.0f, -2.0f, -9.0f};
  float y = 0.0f;
  reduce<Largest, 1, 3, 1>(x, &y);
  EXPECT_EQ(y, -2.0f);
  reduce<Smallest, 1, 3, 1>(x, &y);
  EXPECT_EQ(y, -9.0f);
}

TEST(ReduceAny, WorksOnSeparateAxesAndOtherTypes) {
  std::int32_t x[24];
  for (int i = 0; i < 24; ++i) x[i] = i;
  std::int32_t y[3];
  // [2, 3, 4] over axes 0 and 2.
  reduceAny<Sum, Axes<3>, Axes<4>, Axes<2, 4>, Axes<12, 1>>(x, y);
  EXPECT_EQ(y[0], 0 + 1 + 2 + 3 + 12 + 13 + 14 + 15);
  EXPECT_EQ(y[2], 8 + 9 + 10 + 11 + 20 + 21 + 22 + 23);
  reduceAny<Largest, Axes<3>, Axes<4>, Axes<2, 4>, Axes<12, 1>>(x, y);
  EXPECT_EQ(y[1], 19);
  const bool flags[4] = {false, true, false, false};
  bool any[2];
  reduceAny<Any, Axes<2>, Axes<2>, Axes<2>, Axes<1>>(flags, any);
  EXPECT_TRUE(any[0]);
  EXPECT_FALSE(any[1]);
  const float values[4] = {1, 2, 3, 6};
  float mean;
  meanAny<Axes<1>, Axes<1>, Axes<4>, Axes<1>>(values, &mean);
  EXPECT_FLOAT_EQ(mean, 3.0f);
}

TEST(ArgExtreme, TakesTheFirstOfEquals) {
  const float x[8] = {1, 7, 7, 2, 5, -3, 5, -3};
  std::int64_t rows[2];
  argExtreme<true, 2, 4, 1>(x, rows);
  EXPECT_EQ(rows[0], 1);
  EXPECT_EQ(rows[1], 0);
  std::int32_t columns[4];
  argExtreme<false, 1, 2, 4>(x, columns);
  EXPECT_EQ(columns[0], 0);
  EXPECT_EQ(columns[1], 1);
  EXPECT_EQ(columns[2], 1);
  EXPECT_EQ(columns[3], 1);
}

}  // namespace
}  // namespace aios::kernels
