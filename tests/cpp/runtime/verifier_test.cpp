#include "runtime/verifier.hpp"

#include "expect_error.hpp"
#include "runtime/function_model.hpp"
#include "runtime/runner.hpp"
#include "tiny_bundle.hpp"

namespace aios::runtime {
namespace {

// The tiny bundle's only sample, x = [1, -2], put to functions in place of its engine.
class Verifier : public testing::Test {
 protected:
  void SetUp() override { bundle_ = bundle::readBundle(files_.path()); }

  Verification verify(Answer answer, std::size_t samples = 1) {
    std::vector<std::unique_ptr<Runner>> runners;
    runners.push_back(std::make_unique<Runner>(std::make_shared<FunctionModel>(std::move(answer)),
                                               bundle_.signatures[0], 1));
    const bundle::GoldenSamples golden(*bundle_.files, bundle_.golden);
    return verifyModel(runners, golden, bundle_.artifacts[0], samples);
  }
  static Answer answering(float scale, float shift) {
    return [=](Span<const TensorView> inputs, Span<TensorView> outputs) {
      const auto* x = inputs[0].data<float>();
      for (std::size_t i = 0; i < inputs[0].elements(); ++i) {
        static_cast<float*>(outputs[0].mutableData())[i] = scale * x[i];
        static_cast<float*>(outputs[1].mutableData())[i] = x[i] + shift;
      }
    };
  }

  const TinyBundle files_;
  bundle::Bundle bundle_;
};

TEST_F(Verifier, PassesWhatAnswersAsTheTrainingModelDid) {
  const Verification result = verify(answering(2, 3));
  EXPECT_TRUE(result.ok);
  EXPECT_EQ(result.worst, 0);
  EXPECT_EQ(result.samples, 1U);
  EXPECT_EQ(result.reason, "");
}

TEST_F(Verifier, NamesTheTensorThatIsWorst) {
  const Verification result = verify(answering(2, 3.5F));
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.tensor, "z");
  EXPECT_DOUBLE_EQ(result.max_error, 0.5);
  EXPECT_NE(result.reason.find("golden sample 0, tensor 'z'"), std::string::npos) << result.reason;
}

TEST_F(Verifier, PassesNothingWithoutSamples) {
  bundle_.artifacts[0].golden_samples = 0;
  const Verification result = verify(answering(2, 3));
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.reason, "the bundle has no golden samples to verify with");
}

TEST_F(Verifier, JudgesOnlyWhatTheArtifactIsProvedFor) {
  bundle_.artifacts[0].proven = {{"serve", {{"x", {0, 10}}}}};
  EXPECT_EQ(verify(answering(2, 3)).samples, 0U);
  bundle_.artifacts[0].proven = {{"serve", {{"x", {-10, 10}}}}};
  EXPECT_EQ(verify(answering(2, 3)).samples, 1U);
}

TEST_F(Verifier, FindsWhatAPendingArtifactMissesBeyondItsRange) {
  bundle_.artifacts[0].verdict = bundle::Verdict::kPending;
  bundle_.artifacts[0].proven = {{"serve", {{"x", {0, 10}}}}};
  const Verification wrong = verify(answering(5, 3), 100);
  ASSERT_EQ(wrong.missed.size(), 1U);
  EXPECT_EQ(wrong.missed[0].first, "serve");
  EXPECT_TRUE(verify(answering(2, 3), 100).missed.empty());
}

TEST_F(Verifier, PassesOnWhatTheEngineThrows) {
  const auto fail = [](Span<const TensorView>, Span<TensorView>) {
    throw Error(ErrorCode::kInternal, "broken");
  };
  EXPECT_AIOS_ERROR(verify(fail), kInternal, "broken");
}

}  // namespace
}  // namespace aios::runtime
