#include "aios/kernels/integer_functions.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace aios::kernels {
namespace {

TEST(IntegerPower, TakesNegativeExponents) {
  EXPECT_EQ(op::integerPower<std::int32_t>(-1, -3), -1);
  EXPECT_EQ(op::integerPower<std::int32_t>(2, -1), 0);
  EXPECT_EQ(op::integerPower<std::int64_t>(3, 39), 4052555153018976267);
}

TEST(IntegerArithmetic, WrapsAroundAtTheEndsOfItsType) {
  constexpr auto kLeast = std::numeric_limits<std::int32_t>::min();
  EXPECT_EQ(op::abs(kLeast), kLeast);
  EXPECT_EQ(op::add<std::int32_t>(kLeast, -1), std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(op::integerFloorDiv<std::int32_t>(kLeast, -1), kLeast);
  EXPECT_EQ(op::mul<std::int16_t>(300, 300), static_cast<std::int16_t>(90000));
  EXPECT_EQ(op::rightShift<std::int32_t>(-5, 99), -1);
}

}  // namespace
}  // namespace aios::kernels
