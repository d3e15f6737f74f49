#include "runtime/benchmark.hpp"

#include <gtest/gtest.h>

namespace aios::runtime {
namespace {

TEST(Summarize, TakesPercentilesByNearestRank) {
  std::vector<double> latencies_us;
  for (int i = 100; i >= 1; --i) latencies_us.push_back(i);
  const BenchmarkResult result = summarize(latencies_us, 4);
  EXPECT_EQ(result.iterations, 100U);
  EXPECT_EQ(result.p50_us, 50);
  EXPECT_EQ(result.p90_us, 90);
  EXPECT_EQ(result.p99_us, 99);
  EXPECT_EQ(result.min_us, 1);
  EXPECT_EQ(result.max_us, 100);
  EXPECT_DOUBLE_EQ(result.mean_us, 50.5);
  EXPECT_DOUBLE_EQ(result.throughput_per_s, 400 / 5050e-6);
}

TEST(Summarize, OfOneCallIsThatCall) {
  const BenchmarkResult result = summarize({7}, 1);
  EXPECT_EQ(result.p50_us, 7);
  EXPECT_EQ(result.p99_us, 7);
}

}  // namespace
}  // namespace aios::runtime
