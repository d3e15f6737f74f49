#include "engines/compiled/compiled_engine.hpp"

#include <array>

#include "environment.hpp"
#include "expect_error.hpp"
#include "tiny_bundle.hpp"

namespace aios::engines {
namespace {

class CompiledModel : public testing::Test {
 protected:
  void SetUp() override { bundle_ = bundle::readBundle(files_.path()); }

  std::shared_ptr<const Model> load() const {
    return loadCompiledModel(bundle_, bundle_.artifacts[0], {});
  }

  const TinyBundle files_;
  bundle::Bundle bundle_;
};

TEST_F(CompiledModel, AnswersInTheOrderOfTheSignature) {
  Signature signature = bundle_.signatures[0];
  std::swap(signature.outputs[0], signature.outputs[1]);
  const auto model = load();
  const auto session = model->newSession(signature);
  std::array<float, 2> x = {1, -2};
  const std::array<TensorView, 1> inputs = {TensorView::of(x.data(), {1, 2})};
  const std::vector<Tensor> answers = session->answer(inputs);
  EXPECT_EQ(answers[0].data<float>()[1], 1);   // z = x + 3
  EXPECT_EQ(answers[1].data<float>()[1], -4);  // y = 2x
  EXPECT_EQ(session->stagedBytes(), 0U);
}

TEST_F(CompiledModel, RunsWhatIsInBoundMemory) {
  const auto model = load();
  const auto session = model->newSession(bundle_.signatures[0]);
  std::array<float, 4> x = {1, 2, 3, 4}, y = {}, z = {};
  const std::array<TensorView, 1> inputs = {TensorView::of(x.data(), {2, 2})};
  std::array<TensorView, 2> outputs = {TensorView::of(y.data(), {2, 2}),
                                       TensorView::of(z.data(), {2, 2})};
  session->bind(inputs, outputs);
  x[3] = 50;
  session->runBound();
  EXPECT_EQ(y[3], 100);
  EXPECT_EQ(z[0], 4);
}

TEST_F(CompiledModel, IsRefusedWhereNativeCodeIsNotAllowed) {
  const WithVariable switched_off("AIOS_ALLOW_NATIVE", "0");
  EXPECT_AIOS_ERROR(load(), kUnsupported, "switched off by AIOS_ALLOW_NATIVE=0");
}

TEST_F(CompiledModel, IsRefusedWhereItDoesNotFitTheManifest) {
  Signature signature = bundle_.signatures[0];
  signature.inputs[0].name = "other";
  EXPECT_AIOS_ERROR(load()->newSession(signature), kDataLoss, "no tensor 'other'");
  signature = bundle_.signatures[0];
  signature.outputs.pop_back();
  EXPECT_AIOS_ERROR(load()->newSession(signature), kDataLoss, "another number of tensors");
  signature = bundle_.signatures[0];
  signature.inputs[0].dtype = DType::kInt32;
  EXPECT_AIOS_ERROR(load()->newSession(signature), kDataLoss, "tensor 'x' isn't int32[-1,2]");
  files_.write("c/weights.bin", "four");
  EXPECT_AIOS_ERROR(load(), kDataLoss, "weights.bin is of another size");
}

}  // namespace
}  // namespace aios::engines
