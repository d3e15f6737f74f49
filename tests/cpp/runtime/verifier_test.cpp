#include "runtime/verifier.hpp"

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

}  // namespace
}  // namespace aios::runtime
