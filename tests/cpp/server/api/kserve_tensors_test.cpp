#include "server/api/kserve_tensors.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "expect_error.hpp"

namespace aios::server::api::kserve {
namespace {

using Sizes = std::vector<int64_t>;

class TensorBinderTest : public ::testing::Test {
 protected:
  TensorBinderTest() { workspace.start(signature); }

  const Signature signature{"s",
                            {{"x", DType::kFloat32, {-1, 2}}, {"t", DType::kString, {}}},
                            {{"y", DType::kFloat32, {-1}}}};
  const ServedModel model{"m", 1, nullptr, 1};
  Workspace workspace;
  TensorBinder binder{model, signature, workspace};
  alignas(8) char bytes[12] = {};
};

TEST_F(TensorBinderTest, GivesAlignedElementsAsTheyAreAndOthersAsACopy) {
  const std::size_t index = binder.inputOf("x", "FP32", Sizes{1, 2});
  EXPECT_EQ(index, 0U);
  binder.giveBinary(index, Sizes{1, 2}, {bytes, 8});
  EXPECT_EQ(workspace.inputs()[0].bytesData(), bytes);
  workspace.start(signature);
  bytes[1] = 7;
  binder.giveBinary(index, Sizes{1, 2}, {bytes + 1, 8});
  const TensorView& copy = workspace.inputs()[0];
  EXPECT_EQ(copy.bytesData(), workspace.input(0).data());
  EXPECT_EQ(static_cast<const char*>(copy.bytesData())[0], 7);
}

TEST_F(TensorBinderTest, RefusesElementsThatAreNotAsManyAsTheShapeSays) {
  EXPECT_AIOS_ERROR(binder.giveBinary(0, Sizes{2, 2}, {bytes, 8}), kInvalidArgument,
                    "unexpected total byte size for input 'x': expected 4 elements for [2,2]");
  EXPECT_AIOS_ERROR(binder.giveBinary(1, Sizes{}, {bytes, 8}), kInvalidArgument,
                    "unexpected total byte size for input 't': expected 1 elements for [], got 2");
}

TEST_F(TensorBinderTest, RefusesTensorsThatDoNotFitInTritonsWords) {
  EXPECT_AIOS_ERROR(binder.inputOf("w", "FP32", Sizes{}), kInvalidArgument,
                    "unexpected inference input 'w' for model 'm'");
  EXPECT_AIOS_ERROR(binder.inputOf("x", "FP64", Sizes{1, 2}), kInvalidArgument,
                    "inference input 'x' data-type is 'FP64', but model 'm' expects 'FP32'");
  EXPECT_AIOS_ERROR(binder.inputOf("x", "FP32", Sizes{1, 3}), kInvalidArgument,
                    "unexpected shape for input 'x' for model 'm'. Expected [-1,2], got [1,3]");
  EXPECT_AIOS_ERROR(binder.outputOf("x"), kInvalidArgument,
                    "unexpected inference output 'x' for model 'm'");
  EXPECT_EQ(binder.outputOf("y"), 0U);
}

TEST_F(TensorBinderTest, RefusesAnInputThatIsMissingOrThereBefore) {
  EXPECT_AIOS_ERROR(binder.requireAll(), kInvalidArgument,
                    "expected 2 inputs, input 'x' is missing for model 'm'");
  binder.giveBinary(0, Sizes{1, 2}, {bytes, 8});
  EXPECT_AIOS_ERROR(binder.inputOf("x", "FP32", Sizes{1, 2}), kInvalidArgument,
                    "input 'x' already exists in request");
  EXPECT_AIOS_ERROR(binder.requireAll(), kInvalidArgument, "input 't' is missing");
}

}  // namespace
}  // namespace aios::server::api::kserve
