#include "runtime/batch_limit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "runtime/batch_buckets.hpp"

namespace aios::runtime {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::infinity();

// Times by the largest batch of each bucket; what isn't there was never timed.
BatchTimes timesOf(const std::map<int64_t, double>& us) {
  const auto bucket = [](int64_t batch) { return bucketLimit(bucketOf(batch)); };
  return {[=](int64_t batch) {
            if (us.empty()) return kUnknown;
            const auto found = us.find(bucket(batch));
            const auto& [size, time] = found == us.end() ? *us.begin() : *found;
            return time / static_cast<double>(size) * static_cast<double>(batch);
          },
          [=](int64_t batch) { return us.count(bucket(batch)) != 0; }};
}

int64_t limit(const std::map<int64_t, double>& us, const WaitingCalls& waiting,
              const BatchBounds& bounds = {}) {
  return batchLimit(timesOf(us), waiting, bounds);
}

// As of a model whose weights are read once a call.
const std::map<int64_t, double> kFalling = {{1, 100}, {2, 120},  {4, 160},
                                            {8, 240}, {16, 400}, {32, 720}};
const std::map<int64_t, double> kLinear = {{1, 100}, {2, 200}, {4, 400}, {8, 800}, {16, 1600}};

TEST(BatchLimit, TakesAllThatWaitWhileThatSavesTime) {
  EXPECT_EQ(limit(kFalling, {1, 2}), 2);
  EXPECT_EQ(limit(kFalling, {1, 7}), 7);
  EXPECT_EQ(limit(kFalling, {1, 1000}), 32);
}

TEST(BatchLimit, PutsNothingTogetherWhereThatSavesNothing) {
  EXPECT_EQ(limit(kLinear, {1, 16}), 1);
  EXPECT_EQ(limit({{1, 100}, {2, 300}, {4, 900}}, {1, 4}), 1);
}

TEST(BatchLimit, EndsWhereMoreSamplesSaveNoMore) {
  EXPECT_EQ(limit({{1, 100}, {2, 150}, {4, 200}, {8, 400}, {16, 800}}, {1, 16}), 4);
}

TEST(BatchLimit, LooksBeyondASizeThatSavesNothing) {
  // As of an artifact with graphs for 1 and 8 samples.
  EXPECT_EQ(limit({{1, 100}, {2, 200}, {4, 400}, {8, 300}}, {1, 8}), 8);
}

TEST(BatchLimit, TakesNoLongerThanAMultipleOfTheOldestCallAlone) {
  const BatchBounds bounds{32, 3};
  EXPECT_EQ(limit(kFalling, {1, 32}, bounds), 8);
  EXPECT_EQ(limit(kFalling, {4, 32}, bounds), 16);
}

TEST(BatchLimit, KeepsTheOldestCallsDeadline) {
  EXPECT_EQ(limit(kFalling, {1, 32, 250.0}), 8);
  EXPECT_EQ(limit(kFalling, {1, 32, 50.0}), 1);
}

TEST(BatchLimit, HasAnUpperBound) {
  EXPECT_EQ(limit(kFalling, {1, 32}, {4, 16}), 4);
  EXPECT_EQ(limit(kFalling, {40, 80}), 40);
}

TEST(BatchLimit, TriesOneSizeThatWasNeverTimed) {
  EXPECT_EQ(limit({{1, 100}}, {1, 32}), 2);
  EXPECT_EQ(limit({{1, 100}, {2, 200}}, {1, 32}), 4);
  EXPECT_EQ(limit({{1, 100}, {2, 200}, {4, 400}}, {1, 5}), 5);
}

TEST(BatchLimit, ExploresTheLargestThatMayBe) {
  WaitingCalls waiting{1, 32};
  waiting.explore = true;
  EXPECT_EQ(limit(kLinear, waiting, {32, 8}), 8);
}

TEST(BatchLimit, GoesByTheMultipleAloneWhereNoTimesAreKnown) {
  EXPECT_EQ(limit({}, {1, 100}, {32, 16}), 16);
  EXPECT_EQ(limit({}, {2, 100}, {64, 16}), 32);
  EXPECT_EQ(limit({}, {1, 3}), 3);
}

}  // namespace
}  // namespace aios::runtime
