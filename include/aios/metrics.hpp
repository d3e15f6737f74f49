// Figures that a cell reports about itself.
#pragma once

#include <cstddef>
#include <string>

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

}  // namespace aios
