// Which engine answers, where some refuse: engines of a bundle stood in for by functions.
#include "runtime/endpoint.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "expect_error.hpp"
#include "runtime/function_model.hpp"

namespace aios::runtime {
namespace {

Signature signatureOf(std::vector<int64_t> shape) {
  return {"serve", {{"x", DType::kFloat32, shape}}, {{"y", DType::kFloat32, shape}}};
}

// An engine that answers `value` everywhere, unless `refuses` says no.
struct Engine {
  std::string name;
  float value;
  std::function<bool(const TensorView&)> refuses = [](const TensorView&) { return false; };
  ErrorCode code = ErrorCode::kUnsupported;
  std::string reserve = {};
  int microseconds = 0;  // that a call spins, so that one engine is the faster
};

void spin(int microseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
}

// An endpoint over such engines, as a bundle's.
class Bench {
 public:
  Bench(std::vector<int64_t> shape, std::vector<Engine> engines, bool measures = true)
      : engines_(std::move(engines)), loads_(engines_.size()), calls_(engines_.size()) {
    ::setenv("XDG_CACHE_HOME", "/dev/null", /*overwrite=*/1);  // nothing is kept
    const Signature signature = signatureOf(std::move(shape));
    artifacts_.resize(engines_.size());
    for (std::size_t i = 0; i < engines_.size(); ++i) {
      artifacts_[i].engine = engines_[i].name;
      artifacts_[i].target = "any";
      artifacts_[i].precision = "float32";
      const auto load = [this, i, signature] {
        ++loads_[i];
        Runners runners;
        runners.push_back(
            std::make_unique<Runner>(std::make_shared<FunctionModel>(answerOf(i)), signature, 4));
        return runners;
      };
      contest_.candidates.push_back(
          std::make_unique<Candidate>(artifacts_[i], load, engines_[i].reserve));
    }
    if (measures) contest_.cache = std::make_unique<SelectionCache>("");
    contest_.max_tuning_ms = 1;
    endpoint_ = std::make_unique<Endpoint>(contest_, signature, 0, PreparedSizes{{5}});
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Endpoint& endpoint() { return *endpoint_; }
  int loads(std::size_t engine) const { return loads_[engine]; }
  int calls(std::size_t engine) const { return calls_[engine]; }

  // The first element of the answer to zeros of this shape.
  float ask(std::vector<int64_t> shape) {
    const std::vector<Tensor> x = zeros({{"x", DType::kFloat32, std::move(shape)}});
    return endpoint_->infer(viewsOf(x))[0].data<float>()[0];
  }

  EngineChoice row(const std::string& engine, int64_t batch) const {
    for (const EngineChoice& row : endpoint_->explain()) {
      if (row.engine == engine && row.batch == batch) return row;
    }
    return {};
  }

 private:
  Answer answerOf(std::size_t i) {
    return [this, i](Span<const TensorView> inputs, Span<TensorView> outputs) {
      ++calls_[i];
      const Engine& engine = engines_[i];
      if (engine.refuses(inputs[0])) throw Error(engine.code, engine.name + " says no");
      spin(engine.microseconds);
      auto* y = static_cast<float*>(outputs[0].mutableData());
      std::fill(y, y + outputs[0].elements(), engine.value);
    };
  }

  std::vector<Engine> engines_;
  std::vector<std::atomic<int>> loads_;
  std::vector<std::atomic<int>> calls_;
  std::vector<bundle::Artifact> artifacts_;
  Contest contest_;
  std::unique_ptr<Endpoint> endpoint_;
};

bool never(const TensorView&) { return false; }
bool always(const TensorView&) { return true; }
std::function<bool(const TensorView&)> dimIs(std::size_t axis, int64_t size) {
  return [axis, size](const TensorView& x) { return x.dim(axis) == size; };
}
std::function<bool(const TensorView&)> dimIsNot(std::size_t axis, int64_t size) {
  return [axis, size](const TensorView& x) { return x.dim(axis) != size; };
}

constexpr auto kUnsupported = ErrorCode::kUnsupported;
constexpr int kSlow = 200;

TEST(Endpoint, LeavesOutAnEngineThatFailsWhileItIsMeasured) {
  for (const ErrorCode code : {kUnsupported, ErrorCode::kInternal, ErrorCode::kInvalidArgument}) {
    Bench bench({-1, 2}, {{"a", 1, always, code}, {"b", 2}, {"c", 3, dimIs(0, 3), code}});
    EXPECT_NE(bench.ask({1, 2}), 1);
    EXPECT_EQ(bench.ask({3, 2}), 2);
    EXPECT_EQ(bench.row("a", 1).reason, "out of the contest for such calls: a says no");
    EXPECT_EQ(bench.row("c", 4).reason, "out of the contest for such calls: c says no");
    EXPECT_EQ(bench.row("b", 4).reason, "the only one that answers such calls");
    EXPECT_TRUE(bench.row("b", 4).chosen);
  }
}

TEST(Endpoint, PassesABatchThatTheChosenEngineRefusesOnToTheNext) {
  Bench bench({-1, 2}, {{"fast", 1, dimIs(0, 4)}, {"slow", 2, never, kUnsupported, "", kSlow}});
  EXPECT_EQ(bench.ask({3, 2}), 1);
  EXPECT_EQ(bench.endpoint().lastEngine(), "fast");
  EXPECT_EQ(bench.ask({4, 2}), 2);
  EXPECT_EQ(bench.endpoint().lastEngine(), "slow");
  EXPECT_EQ(bench.ask({3, 2}), 1);
  EXPECT_TRUE(bench.row("fast", 4).chosen);
  EXPECT_EQ(bench.row("slow", 4).reason,
            "slower; answered float32[4,2], which was refused: fast says no");
}

TEST(Endpoint, AsksARefusingEngineOncePerShape) {
  Bench bench({-1, 2}, {{"fast", 1, dimIs(0, 4)}, {"slow", 2, never, kUnsupported, "", kSlow}});
  bench.ask({3, 2});
  bench.ask({4, 2});
  const int before = bench.calls(0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bench.ask({4, 2}), 2);
  EXPECT_EQ(bench.calls(0), before);
}

TEST(Endpoint, CountsNoErrorForACallThatAnotherEngineAnswered) {
  Bench bench({-1, 2}, {{"a", 1, always}, {"b", 2}}, /*measures=*/false);
  EXPECT_EQ(bench.ask({1, 2}), 2);
  EXPECT_EQ(bench.endpoint().metrics().errors, 0U);
  EXPECT_EQ(bench.endpoint().metrics().calls, 1U);
}

TEST(Endpoint, ChoosesForInnerSizesThatVaryByThoseToo) {
  Bench bench({-1, -1}, {{"short", 1, dimIsNot(1, 3)}, {"any", 2, never, kUnsupported, "", kSlow}});
  EXPECT_EQ(bench.ask({1, 3}), 1);
  EXPECT_EQ(bench.ask({1, 4}), 2);  // of a kind with 3, for which "short" was chosen
  EXPECT_EQ(bench.ask({1, 70}), 2);
  EXPECT_EQ(bench.ask({1, 3}), 1);
  std::vector<std::string> sizes;
  for (const EngineChoice& row : bench.endpoint().explain()) {
    if (row.chosen) sizes.push_back(row.engine + " " + row.sizes);
  }
  EXPECT_EQ(sizes, (std::vector<std::string>{"any <=128", "short <=4"}));
}

TEST(Endpoint, ChoosesForPreparedSizesByThemselves) {
  Bench bench({-1, -1}, {{"at 5", 1, dimIsNot(1, 5)}, {"any", 2, never, kUnsupported, "", kSlow}});
  EXPECT_EQ(bench.ask({1, 6}), 2);
  EXPECT_EQ(bench.ask({1, 5}), 1);
}

TEST(Endpoint, LoadsAReserveOnlyForWhatNoOtherEngineAnswers) {
  for (const bool measures : {true, false}) {
    Bench bench(
        {-1, -1},
        {{"a", 1, dimIs(1, 9)}, {"b", 1, dimIs(1, 9)}, {"r", 3, never, kUnsupported, "costly"}},
        measures);
    EXPECT_EQ(bench.ask({1, 8}), 1);
    EXPECT_EQ(bench.loads(2), 0);
    EXPECT_EQ(bench.row("r", 0).reason, "costly");
    EXPECT_EQ(bench.ask({1, 9}), 3);
    EXPECT_EQ(bench.loads(2), 1);
    EXPECT_EQ(bench.ask({1, 8}), 1);
  }
}

TEST(Endpoint, LoadsNoReserveForWhatTheCallerHasToMend) {
  Bench bench({-1, 2}, {{"a", 1, always, ErrorCode::kInvalidArgument},
                        {"b", 2, always, ErrorCode::kInvalidArgument},
                        {"r", 3, never, kUnsupported, "costly"}});
  EXPECT_AIOS_ERROR(bench.ask({1, 2}), kInvalidArgument, "a says no");
  EXPECT_EQ(bench.loads(2), 0);
}

TEST(Endpoint, TellsOfEveryEngineWhereNoneAnswers) {
  for (const bool measures : {true, false}) {
    Bench bench({-1, 2}, {{"a", 1, always}, {"b", 2, always}}, measures);
    EXPECT_AIOS_ERROR(bench.ask({1, 2}), kUnsupported,
                      "answers float32[1,2] here: a: a says no; b: b says no");
  }
}

TEST(Endpoint, GivesTheOnlyEnginesOwnRefusal) {
  Bench bench({-1, 2}, {{"a", 1, always}});
  EXPECT_AIOS_ERROR(bench.ask({1, 2}), kUnsupported, "a says no");
}

TEST(Endpoint, ExplainsWhileAnotherThreadMeasures) {
  std::atomic<bool> measuring = false;
  std::atomic<bool> go_on = false;
  const auto wait = [&](const TensorView&) {
    measuring = true;
    while (!go_on) std::this_thread::yield();
    return false;
  };
  Bench bench({-1, 2}, {{"a", 1, wait}, {"b", 2}});
  std::thread caller([&] { bench.ask({1, 2}); });
  while (!measuring) std::this_thread::yield();
  EXPECT_TRUE(bench.endpoint().explain().empty());
  EXPECT_EQ(bench.endpoint().lastEngine(), "");
  EXPECT_EQ(bench.endpoint().metrics().calls, 0U);
  go_on = true;
  caller.join();
  EXPECT_FALSE(bench.endpoint().explain().empty());
}

Signature batched(DType dtype, std::vector<int64_t> inputs, std::vector<int64_t> outputs) {
  return {"serve", {{"x", dtype, std::move(inputs)}}, {{"y", dtype, std::move(outputs)}}};
}

TEST(SamplesAlone, AreAnsweredWhereAProbeFoundThatAndAllTensorsCanBeCut) {
  std::vector<bundle::Artifact> artifacts(2);
  Contest contest;
  for (bundle::Artifact& artifact : artifacts) {
    artifact.composable = true;
    contest.candidates.push_back(
        std::make_unique<Candidate>(artifact, [] { return Runners(); }, ""));
  }
  const auto alone = [&](const Signature& signature) {
    return Endpoint(contest, signature, 0).answersSamplesAlone();
  };
  const Signature plain = batched(DType::kFloat32, {-1, 3}, {-1, 2});
  EXPECT_TRUE(alone(plain));
  EXPECT_TRUE(alone(batched(DType::kFloat32, {-1, -1}, {-1, 2})));
  EXPECT_FALSE(alone(batched(DType::kFloat32, {-1, 3}, {2})));
  EXPECT_FALSE(alone(batched(DType::kFloat32, {4, 3}, {-1, 2})));
  EXPECT_FALSE(alone(batched(DType::kFloat32, {-1, 3}, {-1, -1})));
  EXPECT_FALSE(alone(batched(DType::kString, {-1}, {-1})));
  artifacts[1].composable = false;
  EXPECT_FALSE(alone(plain));
}

}  // namespace
}  // namespace aios::runtime
