#include "aios/kernels/epilogue.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace aios::kernels {
namespace {

using Function = Vec (*)(Vec);

float apply(Function function, float x) { return function(splat(x))[kLanes - 1]; }

TEST(Activations, MatchTheirDefinitions) {
  for (float x = -7.0f; x <= 7.0f; x += 0.25f) {
    EXPECT_EQ(apply(Identity::apply, x), x);
    EXPECT_EQ(apply(Relu::apply, x), std::fmax(x, 0.0f));
    EXPECT_EQ(apply(Relu6::apply, x), std::fmin(std::fmax(x, 0.0f), 6.0f));
    EXPECT_EQ(apply(ReluN1To1::apply, x), std::fmin(std::fmax(x, -1.0f), 1.0f));
    EXPECT_EQ((apply(LeakyRelu<floatBits(0.2f)>::apply, x)), x < 0.0f ? x * 0.2f : x);
    EXPECT_NEAR(apply(HardSwish::apply, x), x * std::fmin(std::fmax(x + 3.0f, 0.0f), 6.0f) / 6.0f,
                1e-6f);
    EXPECT_NEAR(apply(HardSigmoid::apply, x), std::fmin(std::fmax(x / 6.0f + 0.5f, 0.0f), 1.0f),
                1e-6f);
    EXPECT_EQ((apply(Then<Relu, ReluN1To1>::apply, x)), std::fmin(std::fmax(x, 0.0f), 1.0f));
  }
}

TEST(Activations, KeepLargeNegativeInputsAtZeroForGelu) {
  EXPECT_EQ(apply(Gelu::apply, -1e6f), 0.0f);
  EXPECT_EQ(apply(GeluTanh::apply, -1e6f), 0.0f);
}

}  // namespace
}  // namespace aios::kernels
