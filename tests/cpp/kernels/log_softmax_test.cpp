#include "aios/kernels/log_softmax.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace aios::kernels {
namespace {

TEST(LogSoftmax, IsRightForPaddedLanesAndLargeLogits) {
  const float x[7] = {100, -100, 0, 99, 1, 2, 3};
  float y[8];
  y[7] = -77.0f;
  logSoftmax<1, 7>(x, y);
  double sum = 0;
  for (float v : x) sum += std::exp(static_cast<double>(v) - 100.0);
  for (int i = 0; i < 7; ++i) EXPECT_NEAR(y[i], x[i] - 100.0 - std::log(sum), 2e-5);
  EXPECT_EQ(y[7], -77.0f);
}

}  // namespace
}  // namespace aios::kernels
