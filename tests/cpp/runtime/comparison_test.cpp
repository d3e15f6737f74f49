#include "runtime/comparison.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace aios::runtime {
namespace {

constexpr bundle::Tolerance kTolerance = {1e-5, 1e-4};

template <typename T, std::size_t N>
Verification compare(const std::array<T, N>& answer, const std::array<T, N>& reference) {
  Verification result;
  compareTensor(TensorView::of(answer.data(), {int64_t{N}}),
                TensorView::of(reference.data(), {int64_t{N}}), kTolerance, "y", 3, result);
  return result;
}

TEST(CompareTensor, MeasuresInTolerances) {
  // Allowed: 1e-5 * 2 + 1e-4 * 2 = 2.2e-4 at the second element.
  const Verification result = compare<double, 2>({1.0, 2.00011}, {1.0, 2.0});
  EXPECT_NEAR(result.worst, 0.5, 1e-6);
  EXPECT_NEAR(result.max_error, 1.1e-4, 1e-9);
  EXPECT_EQ(result.tensor, "y");
  EXPECT_EQ(result.sample, 3U);
}

TEST(CompareTensor, AllowsMoreWhereTheTensorIsLarge) {
  // The order of a sum alone moves a small element of a large tensor.
  EXPECT_LE((compare<float, 2>({1000.0F, 0.009F}, {1000.0F, 0.0F}).worst), 1.0);
  EXPECT_GT((compare<float, 2>({1.0F, 0.009F}, {1.0F, 0.0F}).worst), 1.0);
}

TEST(CompareTensor, TakesNanAndInfinityForInfinitelyWrong) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_GT((compare<float, 1>({nan}, {1.0F}).worst), 1e30);
  EXPECT_GT((compare<float, 1>({-infinity}, {1.0F}).worst), 1e30);
  EXPECT_GT((compare<float, 1>({1.0F}, {nan}).worst), 1e30);
  EXPECT_GT((compare<float, 1>({infinity}, {infinity}).worst), 1e30);
}

TEST(CompareTensor, WantsOtherDtypesEqual) {
  EXPECT_EQ((compare<int64_t, 2>({7, 8}, {7, 8}).worst), 0);
  EXPECT_GT((compare<int64_t, 2>({7, 8}, {7, 9}).worst), 1e30);
}

TEST(CompareTensor, ReadsHalves) {
  const std::array<uint16_t, 3> answer = {0x3c00, 0x0001, 0xc000};     // 1, 2^-24, -2
  const std::array<uint16_t, 3> reference = {0x3c00, 0x0000, 0xc001};  // 1, 0, -2.001953125
  Verification result;
  compareTensor(TensorView(answer.data(), DType::kFloat16, {3}),
                TensorView(reference.data(), DType::kFloat16, {3}), kTolerance, "y", 0, result);
  EXPECT_DOUBLE_EQ(result.max_error, 0.001953125);
}

TEST(CompareTensor, ReadsBfloat16) {
  const std::array<uint16_t, 2> answer = {0x3f80, 0xc000};     // 1, -2
  const std::array<uint16_t, 2> reference = {0x3f80, 0xc001};  // 1, -2.015625
  Verification result;
  compareTensor(TensorView(answer.data(), DType::kBFloat16, {2}),
                TensorView(reference.data(), DType::kBFloat16, {2}), kTolerance, "y", 0, result);
  EXPECT_DOUBLE_EQ(result.max_error, 0.015625);
}

TEST(CompareTensor, KeepsTheWorstOfAllTensors) {
  const std::array<float, 1> one = {1.0F};
  const std::array<float, 1> off = {1.5F};
  Verification result;
  const TensorView right = TensorView::of(one.data(), {1});
  const TensorView wrong = TensorView::of(off.data(), {1});
  compareTensor(wrong, right, kTolerance, "bad", 1, result);
  compareTensor(right, right, kTolerance, "good", 2, result);
  EXPECT_EQ(result.tensor, "bad");
  EXPECT_EQ(result.sample, 1U);
}

TEST(CompareTensor, CollectsErrorsRelativeToTheTensorsMagnitude) {
  Verification result;
  const std::array<float, 2> reference = {-4.0F, 1.0F};
  for (const float off : {0.0F, 0.5F, 1.0F, 8.0F}) {
    const std::array<float, 2> answer = {-4.0F, 1.0F + off};
    compareTensor(TensorView::of(answer.data(), {2}), TensorView::of(reference.data(), {2}),
                  kTolerance, "y", 0, result);
  }
  EXPECT_DOUBLE_EQ(result.relativeError().value(), 0.25);  // of 0, 1/8, 1/4 and 2
  EXPECT_FALSE(Verification().relativeError().has_value());
}

bool hidesNothingIn(const std::array<float, 3>& answer, const std::array<float, 3>& reference) {
  return hidesNothing(TensorView::of(answer.data(), {3}), TensorView::of(reference.data(), {3}));
}

TEST(HidesNothing, WantsNanOrInfinityWhereTheReferenceHasSome) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(hidesNothingIn({nan, 1.0F, infinity}, {nan, 1.0F, infinity}));
  EXPECT_TRUE(hidesNothingIn({infinity, 1.0F, nan}, {nan, 1.0F, infinity}));
  EXPECT_TRUE(hidesNothingIn({nan, nan, nan}, {nan, 1.0F, infinity}));
  EXPECT_FALSE(hidesNothingIn({0.0F, 1.0F, infinity}, {nan, 1.0F, infinity}));
  EXPECT_FALSE(hidesNothingIn({nan, 1.0F, 3e38F}, {nan, 1.0F, infinity}));
}

template <std::size_t N>
double agreement(const std::array<float, N>& answer, const std::array<float, N>& reference) {
  Verification result;
  compareClasses(TensorView::of(answer.data(), {int64_t{N} / 3, 3}),
                 TensorView::of(reference.data(), {int64_t{N} / 3, 3}), result);
  return result.top1Agreement().value();
}

TEST(CompareClasses, CountsRowsWhoseBestClassIsTheReferences) {
  EXPECT_DOUBLE_EQ((agreement<12>({0.1F, 0.8F, 0.1F, 0.6F, 0.3F, 0.1F,  //
                                   0.4F, 0.3F, 0.3F, 0.1F, 0.2F, 0.7F},
                                  {0.0F, 0.9F, 0.1F, 0.5F, 0.4F, 0.1F,  //
                                   0.3F, 0.4F, 0.3F, 0.0F, 0.1F, 0.9F})),
                   0.75);
}

TEST(CompareClasses, TakesAnyOfEqualReferencesButNoNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_DOUBLE_EQ((agreement<3>({0.1F, 0.2F, 0.7F}, {0.4F, 0.2F, 0.4F})), 1);
  EXPECT_DOUBLE_EQ((agreement<3>({nan, 0.2F, 0.1F}, {0.1F, 0.8F, 0.1F})), 1);
  EXPECT_DOUBLE_EQ((agreement<3>({nan, nan, nan}, {0.1F, 0.1F, 0.8F})), 0);
}

TEST(CompareClasses, IsSilentAboutWhatDoesNotClassify) {
  const std::array<float, 2> one = {1.0F, 2.0F};
  const std::array<int64_t, 2> integers = {1, 2};
  Verification result;
  const TensorView column = TensorView::of(one.data(), {2, 1});
  const TensorView flat = TensorView::of(one.data(), {2});
  const TensorView row = TensorView::of(integers.data(), {1, 2});
  compareClasses(column, column, result);
  compareClasses(flat, flat, result);
  compareClasses(row, row, result);
  EXPECT_FALSE(result.top1Agreement().has_value());
}

}  // namespace
}  // namespace aios::runtime
