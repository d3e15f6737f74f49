#include "aios/kernels/indexing.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace aios::kernels {
namespace {

TEST(Indexing, NeverLeavesItsTensors) {
  const float x[6] = {0, 1, 2, 3, 4, 5};
  const std::int64_t far[2] = {std::numeric_limits<std::int64_t>::min(),
                               std::numeric_limits<std::int64_t>::max()};
  float y[6] = {};
  gatherNd<1, Axes<2, 3>, 1>(x, far, y);
  EXPECT_EQ(y[0], 2.0f);
  scatterNd<Add, 1, Axes<2, 3>, 1>(far, x + 5, y);
  writeRow<2, 3>(x, far, y);
  EXPECT_EQ(y[1], 0.0f);
  sliceAt<Axes<2, 3>, Axes<1, 2>, 0u, Axes<1, 2>, Axes<3, 1>>(x, far, y);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], 2.0f);
}

}  // namespace
}  // namespace aios::kernels
