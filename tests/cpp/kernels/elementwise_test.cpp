#include "aios/kernels/elementwise.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::randomValues;

struct MultiplyAdd {
  static AIOS_KERNEL Vec apply(Vec a, Vec b, Vec c) { return a * b + c; }
};

template <int N>
void checkDenseRow() {
  const auto a = randomValues(N), b = randomValues(N), c = randomValues(N);
  std::vector<float> y(N + 1, -77.0f);
  Elementwise<MultiplyAdd, Axes<N>, Axes<1>, Axes<1>, Axes<1>>::run(y.data(), a.data(), b.data(),
                                                                    c.data());
  for (int i = 0; i < N; ++i) ASSERT_NEAR(y[i], a[i] * b[i] + c[i], 1e-6) << N << " at " << i;
  EXPECT_EQ(y[N], -77.0f) << "wrote beyond its end";
}

TEST(Elementwise, MatchesAPlainLoopForEveryTail) {
  checkDenseRow<1>();
  checkDenseRow<3>();
  checkDenseRow<4>();
  checkDenseRow<7>();
  checkDenseRow<8>();
  checkDenseRow<15>();
  checkDenseRow<16>();
  checkDenseRow<17>();
  checkDenseRow<64>();
  checkDenseRow<131>();
}

TEST(Elementwise, BroadcastsRowsColumnsAndScalars) {
  constexpr int kRows = 5, kColumns = 19;
  const auto matrix = randomValues(kRows * kColumns), row = randomValues(kColumns);
  const auto column = randomValues(kRows);
  std::vector<float> y(kRows * kColumns);
  Elementwise<MultiplyAdd, Axes<kRows, kColumns>, Axes<kColumns, 1>, Axes<0, 1>, Axes<1, 0>>::run(
      y.data(), matrix.data(), row.data(), column.data());
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c)
      ASSERT_NEAR(y[r * kColumns + c], matrix[r * kColumns + c] * row[c] + column[r], 1e-6);
  }
}

TEST(Elementwise, ReadsAStridedInput) {
  const auto x = randomValues(21 * 3);
  std::vector<float> y(21);
  Elementwise<MultiplyAdd, Axes<21>, Axes<3>, Axes<3>, Axes<3>>::run(y.data(), x.data(), x.data(),
                                                                     x.data());
  for (int i = 0; i < 21; ++i) ASSERT_NEAR(y[i], x[3 * i] * x[3 * i] + x[3 * i], 1e-6);
}

TEST(Elementwise, WritesOverItsOwnInput) {
  auto x = randomValues(37);
  const auto before = x;
  Elementwise<MultiplyAdd, Axes<37>, Axes<1>, Axes<1>, Axes<1>>::run(x.data(), x.data(), x.data(),
                                                                     x.data());
  for (int i = 0; i < 37; ++i) ASSERT_NEAR(x[i], before[i] * before[i] + before[i], 1e-6);
}

struct Pick {
  static AIOS_KERNEL std::int32_t apply(bool c, std::int32_t a, std::int32_t b) {
    return op::select(c, a, b);
  }
};

TEST(Map, WorksOnMixedTypes) {
  const bool condition[4] = {true, false, false, true};
  const std::int32_t a[4] = {1, 2, 3, 4}, b[4] = {-1, -2, -3, -4};
  std::int32_t y[4];
  Map<Pick, Axes<4>, Axes<1>, Axes<1>, Axes<1>>::run(y, condition, a, b);
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], -2);
  EXPECT_EQ(y[2], -3);
  EXPECT_EQ(y[3], 4);
}

}  // namespace
}  // namespace aios::kernels
