// Many threads on one cell with a real bundle: $AIOS_TEST_BUNDLE, of one float32 input. The
// vendors' engines take part where their libraries are named in the environment.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "aios/performance_cell.hpp"

namespace aios {
namespace {

constexpr int kThreads = 8;
constexpr int kCalls = 10'000;

struct EngineCase {
  const char* engine;
  const char* library;  // the environment variable that names it; null if it needs none
};

class Threads : public testing::TestWithParam<EngineCase> {
 protected:
  void SetUp() override {
    bundle_ = std::getenv("AIOS_TEST_BUNDLE");
    const char* library = GetParam().library;
    if (bundle_ == nullptr) {
      GTEST_SKIP() << "AIOS_TEST_BUNDLE isn't set: make test-python and make sanitize set it";
    }
    if (library != nullptr && std::getenv(library) == nullptr) {
      GTEST_SKIP() << library << " isn't set: make test-python sets it";
    }
  }
  void load(TensorFlowPerformanceCell& cell) const {
    CellOptions options;
    options.engine = GetParam().engine;
    cell.initialize(options);
    cell.loadModel(bundle_);
  }

 private:
  const char* bundle_ = nullptr;
};

TEST_P(Threads, GetRightAnswersFromOneCell) {
  TensorFlowPerformanceCell cell;
  load(cell);
  const TensorSpec spec = cell.signature().inputs.at(0);
  const auto features = static_cast<std::size_t>(spec.shape.at(1));
  std::vector<std::vector<float>> samples(kThreads, std::vector<float>(features));
  std::vector<std::vector<float>> expected;
  for (int i = 0; i < kThreads; ++i) {
    for (std::size_t j = 0; j < features; ++j) {
      samples[i][j] = std::sin(static_cast<float>(i * 31 + j));
    }
    const auto y = cell.inference({TensorView::of(samples[i].data(), {1, spec.shape[1]})});
    expected.emplace_back(y[0].data<float>(), y[0].data<float>() + y[0].elements());
  }
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kThreads; ++i) {
    callers.emplace_back([&, i] {
      std::vector<float> answer(expected[i].size());
      const auto classes = static_cast<int64_t>(answer.size());
      std::vector<TensorView> outputs = {TensorView::of(answer.data(), {1, classes})};
      const std::vector<TensorView> inputs = {
          TensorView::of(samples[i].data(), {1, spec.shape[1]})};
      for (int call = 0; call < kCalls; ++call) {
        cell.inference(inputs, outputs);
        if (answer != expected[i]) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(cell.metrics().signatures.at(0).calls, uint64_t{kThreads} * kCalls);
}

TEST_P(Threads, GetAnswersWhileOtherCellsComeAndGo) {
  TensorFlowPerformanceCell cell;
  load(cell);
  std::atomic<bool> stop = false;
  std::thread caller([&] {
    while (!stop) cell.warmup(1);
  });
  for (int i = 0; i < 10; ++i) {
    TensorFlowPerformanceCell other;
    load(other);
    other.warmup(1);
  }
  stop = true;
  caller.join();
  EXPECT_GT(cell.metrics().signatures.at(0).calls, 0U);
}

INSTANTIATE_TEST_SUITE_P(EveryEngine, Threads,
                         testing::Values(EngineCase{"compiled", nullptr},
                                         EngineCase{"litert", "AIOS_LITERT_LIBRARY"},
                                         EngineCase{"openvino", "AIOS_OPENVINO_LIBRARY"}),
                         [](const auto& info) { return std::string(info.param.engine); });

}  // namespace
}  // namespace aios
