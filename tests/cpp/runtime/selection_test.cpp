#include "runtime/selection.hpp"

#include <gtest/gtest.h>

#include "aios/error.hpp"
#include "bundle/temporary_directory.hpp"
#include "environment.hpp"
#include "runtime/function_model.hpp"

namespace aios::runtime {
namespace {

TEST(IsFaster, ComparesTheTailWhereTheMediansTie) {
  EXPECT_TRUE(isFaster({1, 9}, {2, 3}));
  EXPECT_FALSE(isFaster({2, 3}, {1, 9}));
  EXPECT_TRUE(isFaster({1.01, 3}, {1, 9}));
  EXPECT_FALSE(isFaster({1, 9}, {1.01, 3}));
}

class Cache : public testing::Test {
 protected:
  const TemporaryDirectory directory_;
  const WithVariable base_{"XDG_CACHE_HOME", directory_.path().c_str()};
};

TEST_F(Cache, KeepsWhatWasMeasuredForTheNextProcess) {
  const SelectionCache::Row row = {{"a/any/float32", {{1.5, 2.5}, ""}},
                                   {"b/any/float32", {{}, "b says no"}}};
  SelectionCache("key").store("serve", "4", row);
  const SelectionCache again("key");
  const SelectionCache::Row found = again.find("serve", "4");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found.at("a/any/float32").latency.p50_us, 1.5);
  EXPECT_EQ(found.at("a/any/float32").latency.p99_us, 2.5);
  EXPECT_EQ(found.at("b/any/float32").refusal, "b says no");
  EXPECT_TRUE(again.find("serve", "8").empty());
  EXPECT_TRUE(again.find("other", "4").empty());
  EXPECT_TRUE(SelectionCache("another key").find("serve", "4").empty());
}

TEST_F(Cache, TakesAFileThatIsDamagedForNone) {
  SelectionCache("key").store("serve", "4", {{"a", {{1, 2}, ""}}});
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory_.path() / "aios")) {
    if (entry.is_regular_file()) std::ofstream(entry.path()) << "{\"serve";
  }
  EXPECT_TRUE(SelectionCache("key").find("serve", "4").empty());
}

TEST(Measure, GivesALatencyForWhatAnswersAndTheErrorOfWhatDoesNot) {
  const Signature signature = {
      "serve", {{"x", DType::kFloat32, {-1}}}, {{"y", DType::kFloat32, {-1}}}};
  int calls = 0;
  const auto count = [&](Span<const TensorView>, Span<TensorView>) { ++calls; };
  const auto refuse = [](Span<const TensorView>, Span<TensorView>) {
    throw Error(ErrorCode::kUnsupported, "no");
  };
  Runner able(std::make_shared<FunctionModel>(count), signature, 1);
  Runner unable(std::make_shared<FunctionModel>(refuse), signature, 1);
  float x[1] = {};
  const std::vector<TensorView> inputs = {TensorView::of(x, {1})};
  const std::vector<Measured> results = measure({&able, &unable}, inputs, 1, 0);
  EXPECT_EQ(results[0].failure, nullptr);
  EXPECT_GE(results[0].latency.p99_us, results[0].latency.p50_us);
  EXPECT_GE(calls, 5);
  EXPECT_NE(results[1].failure, nullptr);
  SignatureMetrics metrics;
  std::array<uint64_t, 128> histogram{};
  able.pool().addTo(metrics, histogram);
  EXPECT_EQ(metrics.calls, 0U);
}

TEST(MachineKey, IsTheSameEveryTime) {
  EXPECT_EQ(machineKey(), machineKey());
  EXPECT_NE(machineKey().find(' '), std::string::npos);
}

}  // namespace
}  // namespace aios::runtime
