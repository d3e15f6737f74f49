#include "aios/kernels/resize.hpp"

#include <gtest/gtest.h>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::randomValues;

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
