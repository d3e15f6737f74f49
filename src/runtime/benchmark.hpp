// Measures single calls of a loaded model, one after another.
#pragma once

#include <vector>

#include "aios/metrics.hpp"
#include "runtime/loaded_model.hpp"

namespace aios::runtime {

// `latencies_us` holds at least one call's time each; `batch` samples were answered by a call.
// Percentiles are by nearest rank.
BenchmarkResult summarize(std::vector<double> latencies_us, int64_t batch);

// Times `iterations` calls of the default signature, after 10 % more that aren't counted. Results
// are allocated once where their shapes are known before the call.
BenchmarkResult benchmark(const LoadedModel& model, Span<const TensorView> inputs,
                          std::size_t iterations);

}  // namespace aios::runtime
