#include "runtime/contest.hpp"

#include <stdexcept>

#include "expect_error.hpp"
#include "runtime/function_model.hpp"

namespace aios::runtime {
namespace {

const Signature kSignature = {
    "serve", {{"x", DType::kFloat32, {-1}}}, {{"y", DType::kFloat32, {-1}}}};

// Engines that answer, or whose loading fails with these words.
class Engines {
 public:
  void add(const std::string& name, const std::string& failure = "", std::string reserve = "") {
    artifacts_.push_back(std::make_unique<bundle::Artifact>());
    artifacts_.back()->engine = name;
    artifacts_.back()->target = "any";
    artifacts_.back()->precision = "float32";
    const auto load = [failure] {
      if (!failure.empty()) throw Error(ErrorCode::kNotFound, failure);
      Runners runners;
      runners.push_back(std::make_unique<Runner>(
          std::make_shared<FunctionModel>([](Span<const TensorView>, Span<TensorView>) {}),
          kSignature, 1));
      return runners;
    };
    contest.candidates.push_back(
        std::make_unique<Candidate>(*artifacts_.back(), load, std::move(reserve)));
  }

  Choice choose() {
    float x[2] = {};
    const std::vector<TensorView> inputs = {TensorView::of(x, {2})};
    return runtime::choose(contest, {kSignature, 0, "2", inputs, 2});
  }

  Contest contest;

 private:
  std::vector<std::unique_ptr<bundle::Artifact>> artifacts_;
};

TEST(Contest, TakesTheFirstThatRunsWhereNothingIsMeasured) {
  Engines engines;
  engines.add("absent", "not installed");
  engines.add("first");
  engines.add("second");
  const Choice choice = engines.choose();
  ASSERT_EQ(choice.ranking.size(), 1U);
  EXPECT_EQ(choice.ranking[0]->artifact().engine, "first");
  EXPECT_EQ(choice.reason, "the first that runs here; nothing was measured");
  EXPECT_TRUE(choice.standings.empty());
}

TEST(Contest, TakesAReserveWhereNoOtherRuns) {
  Engines engines;
  engines.add("absent", "not installed");
  engines.add("heavy", "", "costly");
  const Choice choice = engines.choose();
  EXPECT_EQ(choice.ranking.at(0)->artifact().engine, "heavy");
  EXPECT_EQ(choice.reason, "no other engine here answers such calls");
}

TEST(Contest, GivesAnEnginesOwnErrorWhereThereIsNoOther) {
  Engines engines;
  engines.add("a", "not installed: pip install a");
  EXPECT_AIOS_ERROR(engines.choose(), kNotFound, "not installed: pip install a");
  engines.add("b", "no b");
  EXPECT_AIOS_ERROR(throwNoneRuns(engines.contest), kNotFound,
                    "no engine can run this bundle here: a: not installed: pip install a; b: ");
}

TEST(NoneAnswers, SaysTheSameReasonOnce) {
  Engines engines;
  engines.add("a");
  engines.add("a");
  engines.add("b");
  const auto failure = [&](std::size_t i, ErrorCode code) {
    return Failure{engines.contest.candidates[i].get(), std::make_exception_ptr(Error(code, "no"))};
  };
  const std::vector<TensorView> inputs;
  const auto unsupported = ErrorCode::kUnsupported;
  EXPECT_AIOS_ERROR(throwNoneAnswers({failure(0, unsupported), failure(1, unsupported)}, inputs),
                    kUnsupported, "no");
  EXPECT_AIOS_ERROR(throwNoneAnswers({failure(0, unsupported), failure(2, unsupported)}, inputs),
                    kUnsupported, "a: no; b: no");
  EXPECT_AIOS_ERROR(
      throwNoneAnswers({failure(0, unsupported), failure(2, ErrorCode::kInvalidArgument)}, inputs),
      kInvalidArgument, "no");
}

TEST(RowOf, SaysWhichArtifactItIsOf) {
  bundle::Artifact artifact;
  artifact.engine = "litert";
  artifact.target = "any";
  artifact.precision = "int8";
  artifact.max_error = 0.25;
  const EngineChoice row = rowOf(artifact);
  EXPECT_EQ(row.engine + row.target + row.precision, "litertanyint8");
  EXPECT_EQ(row.max_error, 0.25);
  EXPECT_FALSE(row.chosen);
}

TEST(NameOf, TellsArtifactsOfABundleApart) {
  bundle::Artifact artifact;
  artifact.engine = "compiled";
  artifact.target = "native";
  artifact.precision = "float32";
  EXPECT_EQ(nameOf(artifact), "compiled/native/float32");
}

TEST(Failures, HaveACodeAndAMessage) {
  const auto own = std::make_exception_ptr(Error(ErrorCode::kDataLoss, "half"));
  const auto other = std::make_exception_ptr(std::out_of_range("beads"));
  EXPECT_EQ(codeOf(own), ErrorCode::kDataLoss);
  EXPECT_EQ(messageOf(own), "half");
  EXPECT_EQ(codeOf(other), ErrorCode::kInternal);
  EXPECT_EQ(messageOf(other), "beads");
  EXPECT_EQ(messageOf(std::make_exception_ptr(5)), "unknown error");
}

TEST(DescribeAll, ListsTensors) {
  float x[6] = {};
  const std::vector<TensorView> views = {TensorView::of(x, {2, 3}), TensorView::of(x, {6})};
  EXPECT_EQ(describeAll(views), "float32[2,3], float32[6]");
}

}  // namespace
}  // namespace aios::runtime
