#include "aios/kernels/functions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference.hpp"

namespace aios::kernels {
namespace {

using testing::randomValues;

Vec firstLanes(const std::vector<float>& values) {
  Vec v{};
  for (int i = 0; i < kLanes && i < static_cast<int>(values.size()); ++i) v[i] = values[i];
  return v;
}

TEST(Functions, RoundAsTheStandardLibraryDoes) {
  const std::vector<float> values = {
      0.0f,       -0.0f,       0.5f,       1.5f,  2.5f,   -0.5f,      -1.5f,       0.49f,
      8388607.5f, -8388609.0f, 4194304.5f, 1e30f, -1e30f, 0.9999999f, -2.0000002f, 3.7f};
  for (float value : values) {
    const Vec v = splat(value);
    EXPECT_EQ(op::floor(v)[0], std::floor(value)) << value;
    EXPECT_EQ(op::ceil(v)[0], std::ceil(value)) << value;
    EXPECT_EQ(op::roundHalfEven(v)[0], std::nearbyint(value)) << value;
  }
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(op::floor(splat(infinity))[0], infinity);
  EXPECT_EQ(op::ceil(splat(-infinity))[0], -infinity);
  EXPECT_TRUE(std::isnan(op::floor(splat(std::nanf("")))[0]));
}

TEST(Functions, SignAndLeakyRelu) {
  const Vec v = firstLanes({-2.0f, 0.0f, 3.0f, -0.5f});
  const Vec sign = op::sign(v), leaky = op::leakyRelu(v, splat(0.25f));
  EXPECT_EQ(sign[0], -1.0f);
  EXPECT_EQ(sign[1], 0.0f);
  EXPECT_EQ(sign[2], 1.0f);
  EXPECT_EQ(leaky[0], -0.5f);
  EXPECT_EQ(leaky[2], 3.0f);
}

TEST(Functions, VectorsAgreeWithSingleElements) {
  for (float x : randomValues(200, -9.0f, 9.0f)) {
    const Vec v = splat(x);
    EXPECT_NEAR(op::gelu(v)[0], op::gelu(x), 1e-5);
    EXPECT_NEAR(op::geluTanh(v)[0], op::geluTanh(x), 1e-5);
    EXPECT_NEAR(op::silu(v)[0], op::silu(x), 1e-5);
    EXPECT_NEAR(op::softplus(v)[0], op::softplus(x), 1e-5);
    EXPECT_NEAR(op::elu(v)[0], op::elu(x), 1e-5);
    EXPECT_NEAR(op::sigmoid(v)[0], op::sigmoid(x), 1e-6);
    EXPECT_NEAR(op::hardSwish(v)[0], op::hardSwish(x), 1e-5);
    EXPECT_NEAR(op::expm1(v)[0] / op::expm1(x), 1.0, 1e-5);
  }
}

TEST(Functions, IntegerDivisionNeverTraps) {
  constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
  EXPECT_EQ(op::floorDiv(7, 2), 3);
  EXPECT_EQ(op::floorDiv(-7, 2), -4);
  EXPECT_EQ(op::floorMod(-7, 2), 1);
  EXPECT_EQ(op::floorMod(7, -2), -1);
  EXPECT_EQ(op::divide(-7, 2), -3);
  EXPECT_EQ(op::floorDiv(5, 0), 0);
  EXPECT_EQ(op::floorMod(5, 0), 0);
  EXPECT_EQ(op::divide(5, 0), 0);
  EXPECT_EQ(op::floorDiv(kLowest, -1), kLowest);
  EXPECT_EQ(op::divide(kLowest, -1), kLowest);
  EXPECT_EQ(op::floorMod(kLowest, -1), 0);
  EXPECT_EQ(op::floorDiv<std::uint8_t>(200, 7), 28);
  EXPECT_EQ(op::pow(3, 4), 81);
}

}  // namespace
}  // namespace aios::kernels
