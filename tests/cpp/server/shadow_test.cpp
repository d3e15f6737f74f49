#include "server/shadow.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "scarce_memory.hpp"
#include "server/tiny_server.hpp"

namespace aios::server {
namespace {

constexpr const char* kPredict = "/v1/models/tiny/versions/1:predict";
constexpr const char* kTwoRows = R"({"instances": [[1, 2], [3, 4]]})";

class ShadowTest : public ::testing::Test {
 protected:
  // y = factor * x, z = x + 3.
  static std::shared_ptr<runtime::LoadedModel> modelOf(const TinyBundle& bundle, float factor) {
    bundle.write("c/weights.bin", TinyBundle::bytesOf({factor, 3.0f}));
    bundle.publish(bundle.manifest());
    CellOptions options;
    options.engine = "compiled";
    options.verify = Verify::kOff;
    return runtime::LoadedModel::load(bundle.path().string(), {}, options);
  }
  ShadowTap& tap() const { return tiny.table().find("tiny", 1, "").model->tap(); }
  // Calls the champion so often, and waits until the challenger did what it does with each copy.
  ShadowTotals afterCalls(const std::shared_ptr<Shadow>& shadow, int calls, uint64_t copies) {
    tap().set(shadow);
    for (int i = 0; i < calls; ++i) EXPECT_EQ(tiny.post(kPredict, kTwoRows).status, 200);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    ShadowTotals totals;
    do {
      totals = shadow->totals();
    } while (totals.compared + totals.failed + totals.dropped < copies &&
             std::chrono::steady_clock::now() < deadline);
    return totals;
  }

  TinyServer tiny;
  TinyBundle other{"other.cell"};
  const bundle::Tolerance tolerance{0.01, 0.01};
};

TEST_F(ShadowTest, FindsThatTheSameModelAgrees) {
  const auto shadow = std::make_shared<Shadow>(tiny.model(), tiny.model(), 1, tolerance);
  const ShadowTotals totals = afterCalls(shadow, 5, 5);
  EXPECT_EQ(totals.compared, 5u);
  EXPECT_EQ(totals.agreed, 5u);
  EXPECT_EQ(totals.classified, 20u);  // two rows of two outputs
  EXPECT_EQ(totals.same_class, 20u);
  EXPECT_EQ(totals.worst, 0);
  uint64_t timed = 0;
  for (const uint64_t count : totals.challenger_us) timed += count;
  EXPECT_EQ(timed, 5u);
}

TEST_F(ShadowTest, TellsHowFarAnotherModelIs) {
  const auto shadow = std::make_shared<Shadow>(tiny.model(), modelOf(other, 2.5f), 1, tolerance);
  const ShadowTotals totals = afterCalls(shadow, 1, 1);
  EXPECT_EQ(totals.compared, 1u);
  EXPECT_EQ(totals.agreed, 0u);
  EXPECT_EQ(totals.same_class, 4u);
  // Of 4 * 2.5 beside 4 * 2: 2 off, of 0.01 * 8 + 0.01 * 8 that are allowed.
  EXPECT_NEAR(totals.worst, 12.5, 1e-3);
}

TEST_F(ShadowTest, CopiesAgainAfterACallForWhichThereWasNoMemory) {
  if (!canMakeMemoryScarce()) GTEST_SKIP() << "sanitizers allocate by themselves";
  const auto shadow = std::make_shared<Shadow>(tiny.model(), tiny.model(), 1, tolerance);
  // As much as may wait; without its elements, which nobody gets to.
  const int64_t elements = 16 << 20;
  const TensorView large(static_cast<void*>(nullptr), DType::kFloat32, {&elements, 1});
  failNextAllocation();
  shadow->offer(tiny.model()->endpoint(), {&large, 1}, {}, 1);
  EXPECT_TRUE(allocationFailed());
  const ShadowTotals totals = afterCalls(shadow, 1, 2);
  EXPECT_EQ(totals.dropped, 1u);
  EXPECT_EQ(totals.compared, 1u);
}

TEST_F(ShadowTest, CopiesItsShareOfTheCallsAlone) {
  const auto shadow = std::make_shared<Shadow>(tiny.model(), tiny.model(), 0.25, tolerance);
  EXPECT_EQ(afterCalls(shadow, 8, 2).compared, 2u);
}

TEST_F(ShadowTest, KnowsNoOtherCallsThanThoseThatWereAnswered) {
  const auto shadow = std::make_shared<Shadow>(tiny.model(), tiny.model(), 1, tolerance);
  tap().set(shadow);
  EXPECT_EQ(tiny.post(kPredict, R"({"instances": [[1]]})").status, 400);
  EXPECT_EQ(afterCalls(shadow, 1, 1).compared, 1u);
}

TEST_F(ShadowTest, DropsWhatThereIsNoRoomFor) {
  Shadow shadow(tiny.model(), tiny.model(), 1, tolerance);
  const runtime::Endpoint& endpoint = tiny.model()->endpoint();
  const std::vector<float> numbers(std::size_t{40} << 20);
  const TensorView large = TensorView::of(numbers.data(), {int64_t{20} << 20, 2});
  shadow.offer(endpoint, {&large, 1}, {&large, 1}, 1);
  EXPECT_EQ(shadow.totals().dropped, 1u);
}

TEST_F(ShadowTest, CountsWhatTheChallengerCanNotAnswer) {
  const auto shadow = std::make_shared<Shadow>(tiny.model(), tiny.model(), 1, tolerance);
  const std::array<float, 3> numbers{};
  const TensorView wide = TensorView::of(numbers.data(), {1, 3});
  shadow->offer(tiny.model()->endpoint(), {&wide, 1}, {&wide, 1}, 1);
  const ShadowTotals totals = afterCalls(shadow, 0, 1);
  EXPECT_EQ(totals.failed, 1u);
  EXPECT_EQ(totals.compared, 0u);
  EXPECT_NE(totals.reason.find("'x'"), std::string::npos) << totals.reason;
}

TEST_F(ShadowTest, IsLeftAloneOnceItWasTakenAway) {
  const auto shadow = std::make_shared<Shadow>(tiny.model(), tiny.model(), 1, tolerance);
  EXPECT_FALSE(tap().isOn());
  afterCalls(shadow, 1, 1);
  EXPECT_TRUE(tap().isOn());
  tap().set(nullptr);
  EXPECT_FALSE(tap().isOn());
  EXPECT_EQ(tiny.post(kPredict, kTwoRows).status, 200);
  EXPECT_EQ(shadow->totals().compared, 1u);
}

}  // namespace
}  // namespace aios::server
