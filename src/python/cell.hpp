// A C++ performance cell as Python sees it: base of TensorFlowCellularBridge. Its state is read and
// written under the GIL only; engines run without it where a call takes long.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "gil.hpp"
#include "recycled_results.hpp"
#include "runtime/loaded_model.hpp"

namespace aios::python {

class Cell {
 public:
  Cell() = default;
  ~Cell() { close(); }
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  void load(const std::string& path, const std::vector<std::string>& tags,
            const CellOptions& options);
  nanobind::object infer(nanobind::handle x, nanobind::handle out, bool copy,
                         nanobind::handle signature);
  nanobind::object bind(nanobind::handle x, nanobind::handle out, nanobind::handle signature);
  BenchmarkResult benchmark(nanobind::handle x, int64_t iterations) const;
  void close();

  // Throws FailedPrecondition if none is loaded.
  const std::shared_ptr<runtime::LoadedModel>& model() const;
  // The default endpoint where it takes one array and gives one whose shape is known; else null.
  runtime::Endpoint* plainEndpoint() const noexcept { return plain_endpoint_; }
  RecycledResults& results() noexcept { return results_; }

 private:
  void replace(std::shared_ptr<runtime::LoadedModel> loaded);

  std::shared_ptr<runtime::LoadedModel> model_;
  runtime::Endpoint* plain_endpoint_ = nullptr;
  RecycledResults results_;
};

// Giving the GIL up and taking it back costs about 0.1 µs alone, and a switch of threads when
// others want it; a call shorter than this is over before that pays.
constexpr double kReleaseGilOverUs = 5;

template <typename Call>
void withoutGilIf(bool pays, Call call) {
  if (!pays) {
    call();
    return;
  }
  const WithoutGil released;
  call();
}

// Runs `call` without the GIL if it is expected to take long. `model` owns the endpoint: it is kept
// alive where another thread could close the cell meanwhile.
template <typename Call>
void withoutGilIfLong(const std::shared_ptr<runtime::LoadedModel>& model,
                      const runtime::Endpoint& endpoint, int64_t batch, Call call) {
  const bool pays = endpoint.expectedUs(batch) >= kReleaseGilOverUs;
  const std::shared_ptr<runtime::LoadedModel> kept = pays ? model : nullptr;
  withoutGilIf(pays, call);
}

// The usual call, one NumPy array in, one out, at the least cost: `_core.fast_inference` is a
// method of Cell that takes perform_inference's arguments and hands all others to it.
void bindFastInference(nanobind::module_& module);

}  // namespace aios::python
