#include "runtime/benchmark.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace aios::runtime {
namespace {

double percentile(const std::vector<double>& sorted, double fraction) {
  const double rank = std::ceil(fraction * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

template <typename Call>
std::vector<double> measure(std::size_t iterations, Call call) {
  for (std::size_t i = 0; i < 1 + iterations / 10; ++i) call();
  std::vector<double> latencies_us(iterations);
  for (double& latency_us : latencies_us) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    const auto end = std::chrono::steady_clock::now();
    latency_us = std::chrono::duration<double, std::micro>(end - begin).count();
  }
  return latencies_us;
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

BenchmarkResult benchmark(const LoadedModel& model, Span<const TensorView> inputs,
                          std::size_t iterations) {
  Endpoint& endpoint = model.endpoint();
  const int64_t batch = checkInputs(endpoint.signature(), inputs);
  const std::vector<Tensor> results = endpoint.infer(inputs);
  std::vector<TensorView> outputs = viewsOf(results);
  std::vector<double> latencies_us =
      endpoint.outputShapesAreKnown()
          ? measure(iterations, [&] { endpoint.infer(inputs, outputs); })
          : measure(iterations, [&] { endpoint.infer(inputs); });
  BenchmarkResult result = summarize(std::move(latencies_us), batch);
  result.engine = model.engine();
  return result;
}

}  // namespace aios::runtime
