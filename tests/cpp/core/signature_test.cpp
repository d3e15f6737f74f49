#include "aios/signature.hpp"

#include <array>

#include "expect_error.hpp"

namespace aios {
namespace {

const Signature kSignature = {
    "serve",
    {{"x", DType::kFloat32, {kAnySize, 10}}, {"ids", DType::kInt32, {kAnySize, 4}}},
    {{"y", DType::kFloat32, {kAnySize, 3}}}};

std::array<float, 40> floats;
std::array<double, 48> doubles;
std::array<int32_t, 40> ints;

TEST(CheckInputs, ReturnsTheBatch) {
  const std::array<TensorView, 2> inputs = {TensorView::of(floats.data(), {3, 10}),
                                            TensorView::of(ints.data(), {3, 4})};
  EXPECT_EQ(checkInputs(kSignature, inputs), 3);
}

TEST(CheckInputs, NamesTheTensorWhatWasExpectedAndWhatCame) {
  const std::array<TensorView, 2> inputs = {TensorView::of(doubles.data(), {4, 12}),
                                            TensorView::of(ints.data(), {4, 4})};
  EXPECT_AIOS_ERROR(checkInputs(kSignature, inputs), kInvalidArgument,
                    "input 'x': expected float32[-1,10], got float64[4,12]; cast to float32 and "
                    "check the feature count");
}

TEST(CheckInputs, TellsOfAMissingBatchDimension) {
  const std::array<TensorView, 2> inputs = {TensorView::of(floats.data(), {10}),
                                            TensorView::of(ints.data(), {1, 4})};
  EXPECT_AIOS_ERROR(checkInputs(kSignature, inputs), kInvalidArgument,
                    "add a leading batch dimension");
}

TEST(CheckInputs, RefusesInputsOfDifferentBatches) {
  const std::array<TensorView, 2> inputs = {TensorView::of(floats.data(), {4, 10}),
                                            TensorView::of(ints.data(), {3, 4})};
  EXPECT_AIOS_ERROR(checkInputs(kSignature, inputs), kInvalidArgument, "input 'ids'");
}

TEST(CheckInputs, RefusesAnotherNumberOfInputs) {
  const std::array<TensorView, 1> inputs = {TensorView::of(floats.data(), {4, 10})};
  EXPECT_AIOS_ERROR(checkInputs(kSignature, inputs), kInvalidArgument, "expected 2 inputs, got 1");
}

TEST(CheckInputs, RefusesATensorWithoutMemory) {
  std::array<TensorView, 2> inputs = {TensorView::of(floats.data(), {3, 10}),
                                      TensorView::of(static_cast<int32_t*>(nullptr), {3, 4})};
  EXPECT_AIOS_ERROR(checkInputs(kSignature, inputs), kInvalidArgument,
                    "input 'ids': expected int32[-1,4], got int32[3,4] at a null pointer; give it "
                    "memory");
  inputs = {TensorView::of(static_cast<float*>(nullptr), {0, 10}),
            TensorView::of(static_cast<int32_t*>(nullptr), {0, 4})};
  EXPECT_EQ(checkInputs(kSignature, inputs), 0);
}

TEST(OutputShape, PutsTheBatchInTheFirstDimension) {
  EXPECT_EQ(outputShape(kSignature.outputs[0], 7), (std::vector<int64_t>{7, 3}));
  EXPECT_EQ(outputShape({"c", DType::kFloat32, {2}}, 7), (std::vector<int64_t>{2}));
  EXPECT_AIOS_ERROR(outputShape({"z", DType::kFloat32, {kAnySize, kAnySize}}, 7), kUnsupported,
                    "output 'z'");
}

}  // namespace
}  // namespace aios
