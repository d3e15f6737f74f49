#include "runtime/call_stats.hpp"

#include <gtest/gtest.h>

namespace aios::runtime {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

SignatureMetrics metricsOf(const std::vector<const CallStats*>& sessions) {
  SignatureMetrics metrics;
  std::array<uint64_t, 128> histogram{};
  for (const CallStats* stats : sessions) stats->addTo(metrics, histogram);
  summarizeHistogram(histogram, metrics);
  return metrics;
}

TEST(CallStats, AddUpOverSessions) {
  CallStats one;
  CallStats other;
  one.countCall(3);
  one.countCall(5);
  other.countCall(1);
  other.countError();
  const SignatureMetrics metrics = metricsOf({&one, &other});
  EXPECT_EQ(metrics.calls, 3U);
  EXPECT_EQ(metrics.samples, 9U);
  EXPECT_EQ(metrics.errors, 1U);
  EXPECT_EQ(metrics.timed_calls, 0U);
  EXPECT_EQ(metrics.p99_us, 0);
}

TEST(CallStats, GivePercentilesToAFifth) {
  CallStats stats;
  for (int i = 0; i < 90; ++i) stats.recordLatency(microseconds(1));
  for (int i = 0; i < 10; ++i) stats.recordLatency(microseconds(100));
  const SignatureMetrics metrics = metricsOf({&stats});
  EXPECT_EQ(metrics.timed_calls, 100U);
  EXPECT_EQ(metrics.histogram.size(), 2U);
  EXPECT_EQ(metrics.histogram[0].calls, 90U);
  EXPECT_GE(metrics.p50_us, 1);
  EXPECT_LE(metrics.p50_us, 1.19);
  EXPECT_EQ(metrics.p90_us, metrics.p50_us);
  EXPECT_GE(metrics.p99_us, 100);
  EXPECT_LE(metrics.p99_us, 119);
}

TEST(CallStats, KeepWhatIsTooShortOrTooLongInTheOuterBuckets) {
  CallStats stats;
  stats.recordLatency(nanoseconds(0));
  stats.recordLatency(std::chrono::hours(24));
  const SignatureMetrics metrics = metricsOf({&stats});
  ASSERT_EQ(metrics.histogram.size(), 2U);
  EXPECT_DOUBLE_EQ(metrics.histogram[0].upper_us, 0.016);
}

TEST(CallStats, WantTheTimeOfEverySlowCallAndOfSomeQuickOnes) {
  CallStats stats;
  EXPECT_TRUE(stats.wantsTime());
  stats.recordLatency(microseconds(1));
  stats.countCall(1);
  EXPECT_FALSE(stats.wantsTime());
  for (int call = 1; call < 64; ++call) stats.countCall(1);
  EXPECT_TRUE(stats.wantsTime());
  stats.recordLatency(microseconds(50));
  stats.countCall(1);
  EXPECT_TRUE(stats.wantsTime());
}

}  // namespace
}  // namespace aios::runtime
