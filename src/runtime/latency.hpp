// From measured latencies to the figures of a benchmark.
#pragma once

#include <vector>

#include "aios/metrics.hpp"

namespace aios::runtime {

// `latencies_us` holds at least one call's time each; `batch` samples were answered by a call.
// Percentiles are by nearest rank.
BenchmarkResult summarize(std::vector<double> latencies_us, int64_t batch);

}  // namespace aios::runtime
