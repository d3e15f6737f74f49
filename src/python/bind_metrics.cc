#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "aios/metrics.hpp"
#include "bindings.hpp"

namespace nb = nanobind;

namespace aios::python {

void bindMetrics(nb::module_& module) {
  nb::class_<BenchmarkResult>(module, "BenchmarkResult",
                              "Latency of single calls of the C++ cell, one after another.")
      .def_ro("engine", &BenchmarkResult::engine, "The engine that answered.")
      .def_ro("iterations", &BenchmarkResult::iterations, "Timed calls.")
      .def_ro("p50_us", &BenchmarkResult::p50_us, "Median, in microseconds.")
      .def_ro("p90_us", &BenchmarkResult::p90_us, "90th percentile, in microseconds.")
      .def_ro("p99_us", &BenchmarkResult::p99_us, "99th percentile, in microseconds.")
      .def_ro("min_us", &BenchmarkResult::min_us, "Fastest call, in microseconds.")
      .def_ro("max_us", &BenchmarkResult::max_us, "Slowest call, in microseconds.")
      .def_ro("mean_us", &BenchmarkResult::mean_us, "Mean, in microseconds.")
      .def_ro("throughput_per_s", &BenchmarkResult::throughput_per_s,
              "Samples answered per second of measured time.")
      .def("__repr__", [](const BenchmarkResult& result) {
        return "BenchmarkResult(engine='" + result.engine +
               "', p50_us=" + std::to_string(result.p50_us) +
               ", p99_us=" + std::to_string(result.p99_us) + ")";
      });
  nb::class_<LatencyBucket>(module, "LatencyBucket", "Calls of at most `upper_us` microseconds.")
      .def_ro("upper_us", &LatencyBucket::upper_us)
      .def_ro("calls", &LatencyBucket::calls);
  nb::class_<SignatureMetrics>(module, "SignatureMetrics",
                               "What one signature has answered since it was loaded.")
      .def_ro("signature", &SignatureMetrics::signature)
      .def_ro("calls", &SignatureMetrics::calls, "Calls that were answered.")
      .def_ro("samples", &SignatureMetrics::samples, "Samples that were answered.")
      .def_ro("errors", &SignatureMetrics::errors, "Calls on which the engine failed.")
      .def_ro("staged_bytes", &SignatureMetrics::staged_bytes,
              "Bytes copied between the caller's memory and the engine's own.")
      .def_ro("sessions", &SignatureMetrics::sessions, "Sessions made so far.")
      .def_ro("timed_calls", &SignatureMetrics::timed_calls,
              "Calls that were timed: all over 5 µs, every 16th of the others.")
      .def_ro("p50_us", &SignatureMetrics::p50_us, "Median of the timed calls, to 19 %.")
      .def_ro("p90_us", &SignatureMetrics::p90_us, "90th percentile, to 19 %.")
      .def_ro("p99_us", &SignatureMetrics::p99_us, "99th percentile, to 19 %.")
      .def_ro("histogram", &SignatureMetrics::histogram, "Non-empty buckets, fastest first.");
  nb::class_<Metrics>(module, "Metrics", "What a cell has done since its model was loaded.")
      .def_ro("engine", &Metrics::engine)
      .def_ro("signatures", &Metrics::signatures, "One SignatureMetrics per signature.");
}

}  // namespace aios::python
