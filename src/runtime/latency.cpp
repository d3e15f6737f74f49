#include "runtime/latency.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace aios::runtime {
namespace {

double percentile(const std::vector<double>& sorted, double fraction) {
  const double rank = std::ceil(fraction * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace

BenchmarkResult summarize(std::vector<double> latencies_us, int64_t batch) {
  std::sort(latencies_us.begin(), latencies_us.end());
  const double total = std::accumulate(latencies_us.begin(), latencies_us.end(), 0.0);
  const auto calls = static_cast<double>(latencies_us.size());
  BenchmarkResult result;
  result.iterations = latencies_us.size();
  result.p50_us = percentile(latencies_us, 0.50);
  result.p90_us = percentile(latencies_us, 0.90);
  result.p99_us = percentile(latencies_us, 0.99);
  result.min_us = latencies_us.front();
  result.max_us = latencies_us.back();
  result.mean_us = total / calls;
  result.throughput_per_s = total > 0 ? calls * static_cast<double>(batch) * 1e6 / total : 0;
  return result;
}

}  // namespace aios::runtime
