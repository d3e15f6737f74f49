// Figures that a cell reports about itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aios {

// Latency of single calls, in microseconds, measured one after another in the caller's thread.
struct BenchmarkResult {
  std::string engine;
  std::size_t iterations = 0;
  double p50_us = 0;
  double p90_us = 0;
  double p99_us = 0;
  double min_us = 0;
  double max_us = 0;
  double mean_us = 0;
  double throughput_per_s = 0;  // samples (calls times batch) per second of measured time
};

// Calls with a latency of at most `upper_us` and more than the bucket before.
struct LatencyBucket {
  double upper_us = 0;
  std::uint64_t calls = 0;
};

// What one signature has answered since it was loaded.
struct SignatureMetrics {
  std::string signature;
  std::uint64_t calls = 0;
  std::uint64_t samples = 0;
  std::uint64_t errors = 0;
  // Bytes copied between the caller's memory and an engine's own.
  std::uint64_t staged_bytes = 0;
  std::size_t sessions = 0;
  // Of the calls that were timed: all that take over 5 µs, every 16th of those that don't.
  // Percentiles are upper bounds of buckets, 19 % wide.
  std::uint64_t timed_calls = 0;
  double p50_us = 0;
  double p90_us = 0;
  double p99_us = 0;
  std::vector<LatencyBucket> histogram;  // without empty buckets
};

struct Metrics {
  std::string engine;
  std::vector<SignatureMetrics> signatures;
};

}  // namespace aios
