#include <nanobind/stl/string.h>
#include <nanobind/stl/unordered_map.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <limits>
#include <optional>

#include "aios/performance_cell.hpp"
#include "bindings.hpp"
#include "numpy_tensor.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

// Giving the GIL up and taking it back costs about 0.1 µs alone and a switch of threads when others
// want it; under this a call is over sooner than that pays.
constexpr double kReleaseGilOver_us = 5;
constexpr int kTimedCalls = 3;

using Arrays = std::vector<BorrowedArray>;

// "a, b" of the names that a dict lacks or has too many of.
std::string quoted(const std::vector<TensorSpec>& specs) {
  std::string text;
  for (const TensorSpec& spec : specs) text += (text.empty() ? "'" : ", '") + spec.name + "'";
  return text;
}

void checkNames(const char* role, const std::vector<TensorSpec>& specs, const nb::dict& values) {
  for (const auto& [key, value] : values) {
    const bool known = nb::isinstance<nb::str>(key) &&
                       std::any_of(specs.begin(), specs.end(),
                                   [&, text = nb::cast<std::string>(key)](const auto& spec) {
                                     return spec.name == text;
                                   });
    if (known) continue;
    throw Error(ErrorCode::kInvalidArgument,
                std::string(role) + " " + nb::cast<std::string>(nb::repr(key)) +
                    " isn't in the signature: expected " + quoted(specs));
  }
}

nb::handle valueOf(const char* role, const TensorSpec& spec, const nb::dict& values) {
  PyObject* value = PyDict_GetItemString(values.ptr(), spec.name.c_str());
  if (value == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(role) + " '" + spec.name + "' is missing: expected " + describe(spec));
  }
  return value;
}

// One value for the only tensor of a role, or a dict of all of them by name.
template <typename Borrow>
Arrays borrowAll(const char* role, const std::vector<TensorSpec>& specs, nb::handle values,
                 Borrow borrow) {
  Arrays arrays;
  arrays.reserve(specs.size());
  if (PyDict_Check(values.ptr())) {
    const auto dict = nb::borrow<nb::dict>(values);
    checkNames(role, specs, dict);
    for (const TensorSpec& spec : specs) arrays.push_back(borrow(valueOf(role, spec, dict), spec));
    return arrays;
  }
  if (specs.size() != 1) {
    throw Error(ErrorCode::kInvalidArgument, "the model has " + std::to_string(specs.size()) + " " +
                                                 role + "s: pass a dict with " + quoted(specs));
  }
  arrays.push_back(borrow(values, specs.front()));
  return arrays;
}

std::vector<TensorView> viewsOf(const Arrays& arrays) {
  std::vector<TensorView> views;
  views.reserve(arrays.size());
  for (const BorrowedArray& array : arrays) views.push_back(array.view);
  return views;
}

// An array where the call gave one and there is one; else a dict by name.
nb::object asResult(const Arrays& outputs, const std::vector<TensorSpec>& specs, bool as_dict) {
  if (!as_dict && outputs.size() == 1) return outputs.front().array;
  nb::dict result;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    result[specs[i].name.c_str()] = outputs[i].array;
  }
  return result;
}

class Cell {
 public:
  void load(const std::string& path, const CellOptions& options) {
    const nb::gil_scoped_release release;
    cell_.initialize(options);
    cell_.loadModel(path);
    auto signature = std::make_shared<const Signature>(cell_.signature());
    const nb::gil_scoped_acquire acquire;
    signature_ = std::move(signature);
    timed_calls_ = 0;
    us_per_sample_ = std::numeric_limits<double>::infinity();
  }

  nb::object infer(nb::handle x, nb::handle out, bool copy) {
    const std::shared_ptr<const Signature> held = loadedSignature();
    const Signature& signature = *held;
    const Arrays inputs = borrowAll(
        "input", signature.inputs, x,
        [&](nb::handle value, const TensorSpec& spec) { return borrowInput(value, spec, copy); });
    const std::vector<TensorView> input_views = viewsOf(inputs);
    const int64_t batch = checkInputs(signature, input_views);
    const Arrays outputs = out.is_none()
                               ? newOutputs(signature, batch)
                               : borrowAll("output", signature.outputs, out, borrowOutput);
    run(input_views, viewsOf(outputs), batch);
    return asResult(outputs, signature.outputs, PyDict_Check(x.ptr()));
  }

  BenchmarkResult benchmark(nb::handle x, std::size_t iterations) {
    const std::shared_ptr<const Signature> held = loadedSignature();
    const Arrays inputs = borrowAll(
        "input", held->inputs, x,
        [&](nb::handle value, const TensorSpec& spec) { return borrowInput(value, spec, false); });
    const std::vector<TensorView> views = viewsOf(inputs);
    const nb::gil_scoped_release release;
    return cell_.benchmark(views, iterations);
  }

  Signature signature() const { return *loadedSignature(); }
  std::string engine() const { return cell_.engine(); }
  void close() {
    signature_.reset();
    const nb::gil_scoped_release release;
    cell_.close();
  }

 private:
  // Read and written under the GIL only.
  std::shared_ptr<const Signature> loadedSignature() const {
    if (signature_) return signature_;
    throw Error(ErrorCode::kFailedPrecondition,
                "no model is loaded; call load_model_from_training_cell or aios.load first");
  }

  static Arrays newOutputs(const Signature& signature, int64_t batch) {
    Arrays arrays;
    for (const TensorSpec& spec : signature.outputs) {
      arrays.push_back(newArray(spec.dtype, outputShape(spec, batch)));
    }
    return arrays;
  }

  // The first calls are timed, to know whether later ones are worth giving up the GIL for.
  void run(Span<const TensorView> inputs, std::vector<TensorView> outputs, int64_t batch) {
    const bool timed = timed_calls_ < kTimedCalls;
    if (!timed && us_per_sample_ * static_cast<double>(batch) < kReleaseGilOver_us) {
      cell_.inference(inputs, outputs);
      return;
    }
    const nb::gil_scoped_release release;
    const auto begin = std::chrono::steady_clock::now();
    cell_.inference(inputs, outputs);
    if (!timed || batch == 0) return;
    const auto end = std::chrono::steady_clock::now();
    const double us = std::chrono::duration<double, std::micro>(end - begin).count();
    us_per_sample_ = std::min(us_per_sample_.load(), us / static_cast<double>(batch));
    ++timed_calls_;
  }

  TensorFlowPerformanceCell cell_;
  std::shared_ptr<const Signature> signature_;
  std::atomic<int> timed_calls_ = 0;
  std::atomic<double> us_per_sample_ = std::numeric_limits<double>::infinity();
};

Verify verifyFromName(const std::string& name) {
  if (name == "quick") return Verify::kQuick;
  if (name == "full") return Verify::kFull;
  if (name == "off") return Verify::kOff;
  throw Error(ErrorCode::kInvalidArgument,
              "verify: expected 'quick', 'full' or 'off', got '" + name + "'");
}

}  // namespace

void bindCell(nb::module_& module) {
  nb::class_<Cell>(module, "Cell", "A C++ performance cell; base of TensorFlowCellularBridge.")
      .def(nb::init<>())
      .def(
          "_load",
          [](Cell& cell, const std::string& path, const std::string& engine, int threads,
             const std::string& verify, const Libraries& libraries) {
            CellOptions options = optionsWith(libraries);
            options.engine = engine;
            options.threads = threads;
            options.verify = verifyFromName(verify);
            cell.load(path, options);
          },
          nb::arg("path"), nb::arg("engine"), nb::arg("threads"), nb::arg("verify"),
          nb::arg("libraries"), "Loads a bundle in place of the one loaded before.")
      .def("perform_inference", &Cell::infer, nb::arg("x").none(), nb::kw_only(),
           nb::arg("out") = nb::none(), nb::arg("copy") = false,
           nb::sig("def perform_inference(self, x: object, *, out: object | None = None, "
                   "copy: bool = False) -> typing.Any"),
           R"(Answers one batch.

Args:
    x: An array of the input's dtype and shape, or a dict of arrays by input name.
    out: Writable C-contiguous array (or dict of them) that takes the answer; it is returned.
    copy: Convert inputs of another dtype or layout instead of refusing them.

Returns:
    An array for one output, a dict by name for more, or when `x` is a dict.

Raises:
    InvalidArgumentError: A tensor doesn't fit the signature; the message names it.
    FailedPreconditionError: No model is loaded.)")
      .def("benchmark_performance", &Cell::benchmark, nb::arg("x").none(),
           nb::arg("iterations") = 100,
           "Times `iterations` single calls of the C++ cell on `x`, after 10 % more to warm up.")
      .def_prop_ro("signature", &Cell::signature, "The signature that calls are checked against.")
      .def_prop_ro("engine", &Cell::engine, "The engine that runs.")
      .def("close", &Cell::close, "Gives the model's memory back; later calls are refused.");
}

}  // namespace aios::python
