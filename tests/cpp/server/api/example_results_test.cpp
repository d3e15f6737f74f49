#include "server/api/example_results.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"

namespace aios::server::api::examples {
namespace {

const std::vector<std::string> kNoLabels;

class ExampleResults : public ::testing::Test {
 protected:
  // An output, of as many rows as there are examples.
  template <typename T>
  void output(const std::string& name, const std::vector<T>& values,
              std::initializer_list<int64_t> shape) {
    outputs.push_back(TensorView::of(values.data(), shape));
    signature.outputs.push_back({name, outputs.back().dtype(), shape});
  }

  Signature signature{"s", {}, {}};
  std::vector<TensorView> outputs;
  const std::vector<float> four = {0.5F, 1, 2, 3};
  const std::vector<double> doubles = {0.25, 4};
  const std::vector<StringRef> texts = {{"a", 1}, {"b", 1}, {"c", 1}, {"", 0}};
};

TEST_F(ExampleResults, ClassifiesByTheOnlyFloatsWithTheModelsLabels) {
  output("probabilities", four, {2, 2});
  const std::vector<std::string> labels = {"cat", "dog"};
  const Classification found(signature, outputs, 2, labels);
  EXPECT_EQ(found.exampleCount(), 2U);
  EXPECT_EQ(found.classCount(), 2U);
  EXPECT_EQ(found.at(1, 0).score, 2.0F);
  EXPECT_EQ(found.at(1, 0).label, "cat");
  EXPECT_EQ(found.at(0, 1).label, "dog");
}

TEST_F(ExampleResults, ClassifiesByTheOutputsOfTensorFlowServingsNames) {
  output("y", doubles, {2, 1});
  output("scores", four, {2, 2});
  output("classes", texts, {2, 2});
  const std::vector<std::string> labels = {"cat", "dog"};
  const Classification found(signature, outputs, 2, labels);
  EXPECT_EQ(found.at(1, 0).label, "c");
  EXPECT_EQ(found.at(1, 0).score, 2.0F);
  EXPECT_EQ(found.at(1, 1).label, "");
}

TEST_F(ExampleResults, ClassifiesWithoutScoresOrLabels) {
  output("classes", texts, {2, 2});
  EXPECT_EQ(Classification(signature, outputs, 2, kNoLabels).at(0, 1).label, "b");
  EXPECT_EQ(Classification(signature, outputs, 2, kNoLabels).at(0, 1).score, 0.0F);
  signature.outputs.clear();
  outputs.clear();
  output("y", four, {2, 2});
  const std::vector<std::string> of_other_classes = {"only one"};
  EXPECT_EQ(Classification(signature, outputs, 2, of_other_classes).at(0, 1).label, "");
}

TEST_F(ExampleResults, RefusesToClassifyWithoutOneOutputOfScores) {
  output("y", four, {2, 2});
  output("z", doubles, {2, 1});
  EXPECT_AIOS_ERROR(Classification(signature, outputs, 2, kNoLabels), kInvalidArgument,
                    "signature 's' has the outputs 'y' float32[2,2], 'z' float64[2,1]");
}

TEST_F(ExampleResults, RefusesScoresOfAnotherShape) {
  output("scores", four, {4});
  EXPECT_AIOS_ERROR(Classification(signature, outputs, 4, kNoLabels), kInvalidArgument,
                    "Expected Tensor shape: [batch_size num_classes] but got float32[4]");
  outputs[0] = TensorView::of(four.data(), {2, 2});
  EXPECT_AIOS_ERROR(Classification(signature, outputs, 3, kNoLabels), kInvalidArgument,
                    "Expected scores output batch size of 3. Got: 2");
  output("classes", texts, {2, 1});
  EXPECT_AIOS_ERROR(Classification(signature, outputs, 2, kNoLabels), kInvalidArgument,
                    "should match in dim_size(1). Got 1 vs. 2");
}

TEST_F(ExampleResults, RegressesByTheOnlyFloatsOrByTheOutputOfThatName) {
  output("y", doubles, {2, 1});
  EXPECT_EQ(Regression(signature, outputs, 2).at(1), 4.0F);
  output("outputs", four, {4});
  const Regression found(signature, outputs, 4);
  EXPECT_EQ(found.exampleCount(), 4U);
  EXPECT_EQ(found.at(0), 0.5F);
}

TEST_F(ExampleResults, RefusesToRegressWithoutOneValueAnExample) {
  output("y", four, {2, 2});
  EXPECT_AIOS_ERROR(Regression(signature, outputs, 2), kInvalidArgument,
                    "either [batch_size] or [batch_size, 1] but got float32[2,2]");
  outputs[0] = TensorView::of(four.data(), {4});
  EXPECT_AIOS_ERROR(Regression(signature, outputs, 2), kInvalidArgument,
                    "Input batch size did not match output batch size: 2 vs. 4");
  output("z", doubles, {2});
  EXPECT_AIOS_ERROR(Regression(signature, outputs, 2), kInvalidArgument,
                    "No regression outputs found: expected \"outputs\"");
}

}  // namespace
}  // namespace aios::server::api::examples
