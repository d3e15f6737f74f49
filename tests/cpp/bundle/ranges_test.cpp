#include "bundle/ranges.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace aios::bundle {
namespace {

const Signature kSignature = {
    "s",
    {{"x", DType::kFloat32, {kAnySize}}, {"n", DType::kInt32, {kAnySize}}},
    {{"y", DType::kFloat32, {kAnySize}}}};

bool isInside(const SignatureRanges& ranges, const std::array<float, 2>& x, int32_t n = 0) {
  const TensorView views[] = {TensorView::of(x.data(), {2}), TensorView::of(&n, {1})};
  return bundle::isInside(ranges, kSignature, {views, 2});
}

TEST(Ranges, HoldACallWhoseFiniteFloatsTheyHold) {
  const SignatureRanges ranges = {{"s", {{"x", {-1, 2}}, {"n", {0, 1}}}}};
  EXPECT_TRUE(isInside(ranges, {-1.0F, 2.0F}));
  EXPECT_TRUE(isInside(ranges, {0.0F, 0.0F}, 99));
  EXPECT_FALSE(isInside(ranges, {-1.1F, 0.0F}));
  EXPECT_FALSE(isInside(ranges, {0.0F, 2.1F}));
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(isInside(ranges, {std::numeric_limits<float>::quiet_NaN(), -infinity}));
}

TEST(Ranges, HoldEverythingWhereTheySayNothing) {
  EXPECT_TRUE(isInside({}, {1e30F, -1e30F}));
  EXPECT_TRUE(isInside({{"other", {{"x", {0, 0}}}}}, {1e30F, -1e30F}));
  EXPECT_TRUE(isInside({{"s", {{"other", {0, 0}}}}}, {1e30F, -1e30F}));
}

TEST(Ranges, GoFurtherIfTheyHoldAllAndMore) {
  const SignatureRanges near = {{"s", {{"a", {-1, 1}}, {"b", {0, 5}}}}};
  const SignatureRanges far = {{"s", {{"a", {-1, 9}}, {"b", {0, 5}}}}};
  const SignatureRanges aside = {{"s", {{"a", {-9, 1}}, {"b", {0, 4}}}}};
  EXPECT_TRUE(isFurther(far, near));
  EXPECT_FALSE(isFurther(near, far));
  EXPECT_FALSE(isFurther(near, near));
  EXPECT_FALSE(isFurther(aside, near));
  EXPECT_FALSE(isFurther(near, aside));
  EXPECT_FALSE(isFurther(far, {{"s", {{"a", {-1, 1}}}}}));
}

TEST(Ranges, AreToldByInput) {
  EXPECT_EQ(describe({{"s", {{"a", {-9999, 1e30}}, {"b", {0, 1}}}}}),
            "a from -1e+04 to 1e+30, b from 0 to 1");
}

}  // namespace
}  // namespace aios::bundle
