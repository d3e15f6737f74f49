#include "runtime/runner.hpp"

#include <cmath>

#include "expect_error.hpp"
#include "runtime/function_model.hpp"

namespace aios::runtime {
namespace {

Signature doubling() {
  return {"serve", {{"x", DType::kFloat32, {-1}}}, {{"y", DType::kFloat32, {-1}}}};
}

void doubleAll(Span<const TensorView> inputs, Span<TensorView> outputs) {
  const auto* x = inputs[0].data<float>();
  auto* y = static_cast<float*>(outputs[0].mutableData());
  for (std::size_t i = 0; i < inputs[0].elements(); ++i) y[i] = 2 * x[i];
}

SignatureMetrics metricsOf(const Runner& runner) {
  SignatureMetrics metrics;
  std::array<uint64_t, 128> histogram{};
  runner.pool().addTo(metrics, histogram);
  return metrics;
}

class RunnerCalls : public testing::Test {
 protected:
  float x_[3] = {1, 2, 3};
  float y_[3] = {};
  std::vector<TensorView> inputs_ = {TensorView::of(x_, {3})};
  std::vector<TensorView> outputs_ = {TensorView::of(y_, {3})};
};

TEST_F(RunnerCalls, AnswerAndAreCounted) {
  Runner runner(std::make_shared<FunctionModel>(doubleAll), doubling(), 2);
  EXPECT_TRUE(std::isinf(runner.expectedUs(1)));
  runner.run(inputs_, outputs_, 3);
  EXPECT_EQ(y_[2], 6);
  EXPECT_EQ(runner.answer(inputs_, 3)[0].data<float>()[1], 4);
  EXPECT_EQ(metricsOf(runner).calls, 2U);
  EXPECT_EQ(metricsOf(runner).samples, 6U);
  EXPECT_LT(runner.expectedUs(1), runner.expectedUs(2));
}

TEST_F(RunnerCalls, CountAsErrorsWhatNoOtherEngineCanHelp) {
  ErrorCode code = ErrorCode::kUnsupported;
  Runner runner(std::make_shared<FunctionModel>(
                    [&](Span<const TensorView>, Span<TensorView>) { throw Error(code, "no"); }),
                doubling(), 2);
  EXPECT_AIOS_ERROR(runner.run(inputs_, outputs_, 3), kUnsupported, "no");
  EXPECT_EQ(metricsOf(runner).errors, 0U);
  code = ErrorCode::kInternal;
  EXPECT_AIOS_ERROR(runner.run(inputs_, outputs_, 3), kInternal, "no");
  EXPECT_EQ(metricsOf(runner).errors, 1U);
  EXPECT_EQ(metricsOf(runner).calls, 0U);
}

TEST_F(RunnerCalls, RunWhatIsBoundToASession) {
  Runner runner(std::make_shared<FunctionModel>(doubleAll), doubling(), 2);
  const SessionPool::Lease lease = runner.pool().acquire();
  lease.slot().session->bind(inputs_, outputs_);
  x_[0] = 21;
  runner.runBound(lease.slot(), 3);
  EXPECT_EQ(y_[0], 42);
}

TEST(OutputShapes, AreKnownWhereOnlyTheBatchIsOpen) {
  Signature signature = doubling();
  EXPECT_TRUE(outputShapesAreKnown(signature));
  signature.outputs[0].shape = {-1, 3};
  EXPECT_TRUE(outputShapesAreKnown(signature));
  signature.outputs[0].shape = {-1, -1};
  EXPECT_FALSE(outputShapesAreKnown(signature));
  signature.outputs[0] = {"y", DType::kString, {-1}};
  EXPECT_FALSE(outputShapesAreKnown(signature));
}

TEST(NewOutputs, HaveTheShapesOfABatch) {
  Signature signature = doubling();
  signature.outputs = {{"a", DType::kFloat32, {-1, 4}}, {"b", DType::kInt8, {7}}};
  const std::vector<Tensor> outputs = newOutputs(signature, 5);
  EXPECT_EQ(describe(outputs[0].view()), "float32[5,4]");
  EXPECT_EQ(describe(viewsOf(outputs)[1]), "int8[7]");
}

}  // namespace
}  // namespace aios::runtime
