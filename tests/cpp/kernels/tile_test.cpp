#include "aios/kernels/tile.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

// Four lines of weights in a row of a panel, and rows for four tiles, three of them a row taller.
constexpr int kVectors = 4 * kLineFloats / kLanes;
constexpr int kWidth = kVectors * kLanes;
constexpr int kRows = 4 * tileRows(kVectors) - 1;
constexpr int kDepth = 5;

TEST(MultiplyRows, MatchesAPlainLoopWhereManyTilesCouldFetchAhead) {
  const std::vector<float> a = testing::randomValues(kRows * kDepth);
  const std::vector<float> panel = testing::randomValues((kDepth + 1) * kWidth);
  std::vector<double> expected;
  for (int r = 0; r < kRows; ++r)
    for (int n = 0; n < kWidth; ++n) {
      double sum = panel[n];
      for (int k = 0; k < kDepth; ++k)
        sum += static_cast<double>(a[r * kDepth + k]) * panel[(k + 1) * kWidth + n];
      expected.push_back(sum);
    }
  testing::Buffer aligned(panel.size(), 0.0f);
  std::copy(panel.begin(), panel.end(), aligned.data());
  std::vector<float> y(expected.size() + kWidth, -77.0f);
  multiplyRows<kRows, kVectors, kDepth, kDepth, kWidth, kLanes, Identity, Residual::kNone, true>(
      a.data(), aligned.data(), y.data(), y.data());
  testing::expectClose(y.data(), expected);
  for (int n = 0; n < kWidth; ++n) EXPECT_EQ(y[expected.size() + n], -77.0f);
}

}  // namespace
}  // namespace aios::kernels
