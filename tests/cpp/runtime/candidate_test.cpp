#include "runtime/candidate.hpp"

#include <stdexcept>

#include "bundle/golden.hpp"
#include "expect_error.hpp"
#include "runtime/function_model.hpp"
#include "runtime/thread_budget.hpp"
#include "tiny_bundle.hpp"

namespace aios::runtime {
namespace {

const Signature kSignature = {"serve", {{"x", DType::kFloat32, {-1}}}, {}};

bundle::Artifact abacus() {
  bundle::Artifact artifact;
  artifact.engine = "abacus";
  return artifact;
}

TEST(Candidate, IsLoadedOnceWhenItIsFirstNeeded) {
  const bundle::Artifact artifact = abacus();
  int loads = 0;
  Candidate candidate(artifact, [&] {
    ++loads;
    Runners runners;
    runners.push_back(
        std::make_unique<Runner>(std::make_shared<FunctionModel>(Answer()), kSignature, 1));
    return runners;
  });
  EXPECT_EQ(loads, 0);
  EXPECT_TRUE(candidate.runners().empty());
  Runner* runner = candidate.runner(0);
  EXPECT_EQ(candidate.runner(0), runner);
  EXPECT_EQ(loads, 1);
  EXPECT_EQ(candidate.runners(), std::vector<const Runner*>{runner});
  EXPECT_EQ(candidate.refusal(), "");
  EXPECT_NO_THROW(candidate.requireUsable());
}

TEST(Candidate, KeepsWhyItCannotRun) {
  const bundle::Artifact artifact = abacus();
  int loads = 0;
  Candidate candidate(
      artifact,
      [&]() -> Runners {
        ++loads;
        throw Error(ErrorCode::kNotFound, "no beads");
      },
      "costly");
  EXPECT_EQ(candidate.reserve(), "costly");
  EXPECT_EQ(candidate.runner(0), nullptr);
  EXPECT_EQ(candidate.runner(0), nullptr);
  EXPECT_EQ(loads, 1);
  EXPECT_EQ(candidate.refusal(), "no beads");
  EXPECT_AIOS_ERROR(candidate.requireUsable(), kNotFound, "no beads");
}

TEST(Candidate, TellsOfExceptionsThatAreNotItsOwn) {
  const bundle::Artifact artifact = abacus();
  Candidate known(artifact, []() -> Runners { throw std::out_of_range("beads"); });
  EXPECT_EQ(known.runner(0), nullptr);
  EXPECT_EQ(known.refusal(), "beads");
  Candidate unknown(artifact, []() -> Runners { throw 5; });
  EXPECT_EQ(unknown.runner(0), nullptr);
  EXPECT_AIOS_ERROR(unknown.requireUsable(), kInternal,
                    "'abacus' threw an exception of an unknown");
}

TEST(Candidate, OfABundleServesOnlyIfItsGoldenSamplesAreAnswered) {
  const TinyBundle files;
  bundle::Bundle bundle = bundle::readBundle(files.path());
  bundle::checkFiles(bundle, /*sizes_only=*/false);
  Candidate good(bundle, bundle.artifacts[0], {}, 1);
  ASSERT_NE(good.runner(0), nullptr);
  EXPECT_EQ(good.runner(0)->signature().name, "serve");
  bundle.artifacts[0].tolerance = {0, 0};
  bundle.artifacts[0].engine = "abacus";
  Candidate other(bundle, bundle.artifacts[0], {}, 1);
  EXPECT_EQ(other.runner(0), nullptr);
  EXPECT_NE(other.refusal().find("engine 'abacus' isn't part of this build"), std::string::npos);
}

TEST(EngineOptions, TakeTheLibraryOfTheEngineAlone) {
  CellOptions options;
  options.litert_library = "/a";
  options.openvino_library = "/b";
  EXPECT_EQ(engineOptions("litert", options).library, "/a");
  EXPECT_EQ(engineOptions("openvino", options).library, "/b");
  EXPECT_EQ(engineOptions("tensorflow", options).library, "");
  EXPECT_EQ(engineOptions("compiled", options).library, "");
  options.libraries = {{"litert", "/c"}, {"abacus", "/d"}};
  EXPECT_EQ(engineOptions("litert", options).library, "/c");
  EXPECT_EQ(engineOptions("openvino", options).library, "/b");
  EXPECT_EQ(engineOptions("abacus", options).library, "/d");
}

TEST(EngineOptions, HaveNoMoreThreadsThanTheBudget) {
  CellOptions options;
  options.threads = 1'000'000;
  EXPECT_EQ(engineOptions("compiled", options).threads, threadBudget().size());
  options.threads = 1;
  EXPECT_EQ(engineOptions("compiled", options).threads, 1);
}

}  // namespace
}  // namespace aios::runtime
