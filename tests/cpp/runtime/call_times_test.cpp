#include "runtime/call_times.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace aios::runtime {
namespace {

TEST(CallTimes, KnowNothingBeforeTheFirstCall) {
  const CallTimes times;
  EXPECT_TRUE(std::isinf(times.expectedUs(1)));
  EXPECT_FALSE(times.knows(1));
}

TEST(CallTimes, TellBatchSizesApart) {
  CallTimes times;
  times.record(1, 40);
  times.record(32, 320);
  EXPECT_EQ(times.expectedUs(1), 40);
  EXPECT_EQ(times.expectedUs(32), 320);
  EXPECT_EQ(times.expectedUs(17), 170);
}

TEST(CallTimes, ExpectOfASizeThatWasNotTimedWhatTheLastCallTookASample) {
  CallTimes times;
  times.record(1, 40);
  times.record(8, 80);
  EXPECT_EQ(times.expectedUs(4), 40);
  EXPECT_FALSE(times.knows(4));
  EXPECT_TRUE(times.knows(5));
}

TEST(CallTimes, TrustAFastCallMoreThanASlowOne) {
  CallTimes times;
  times.record(1, 40);
  times.record(1, 120);
  EXPECT_EQ(times.expectedUs(1), 50);
  times.record(1, 40);
  EXPECT_EQ(times.expectedUs(1), 45);
}

}  // namespace
}  // namespace aios::runtime
