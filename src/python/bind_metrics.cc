#include <nanobind/stl/string.h>

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
}

}  // namespace aios::python
