#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>

#include "call_arrays.hpp"
#include "cell.hpp"
#include "cell_docs.hpp"
#include "numpy_tensor.hpp"
#include "runtime/benchmark.hpp"
#include "runtime/bound_call.hpp"
#include "runtime/loaded_model.hpp"
#include "stream.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

using runtime::Endpoint;
using runtime::LoadedModel;

// Arrays bound once; a call converts and checks nothing.
class BoundArrays {
 public:
  BoundArrays(Arrays inputs, Arrays outputs, nb::object result)
      : inputs_(std::move(inputs)), outputs_(std::move(outputs)), result_(std::move(result)) {}
  ~BoundArrays() {
    const WithoutGil released;
    call_.reset();
  }
  BoundArrays(const BoundArrays&) = delete;
  BoundArrays& operator=(const BoundArrays&) = delete;

  // Answers once, which may take long: it chooses an engine.
  void bind(const std::shared_ptr<LoadedModel>& model, Endpoint& endpoint) {
    const std::vector<TensorView> inputs = viewsOf(inputs_);
    std::vector<TensorView> outputs = viewsOf(outputs_);
    const WithoutGil released;
    call_ = std::make_unique<runtime::BoundCall>(model, endpoint, inputs, outputs);
  }

  nb::object answer() {
    withoutGilIf(call_->expectedUs() >= kReleaseGilOverUs, [&] { call_->run(); });
    return result_;
  }

 private:
  const Arrays inputs_;
  const Arrays outputs_;
  const nb::object result_;
  std::unique_ptr<runtime::BoundCall> call_;
};

bool takesOneArrayAndGivesOne(const Endpoint& endpoint) {
  const Signature& signature = endpoint.signature();
  return signature.inputs.size() == 1 && signature.outputs.size() == 1 &&
         endpoint.outputShapesAreKnown() && signature.inputs[0].dtype != DType::kString;
}

// Runs an endpoint whose outputs' shapes only the answer tells.
nb::object inferUnknownShapes(Endpoint& endpoint, Span<const TensorView> inputs, bool as_dict) {
  std::vector<Tensor> answers;
  {
    const WithoutGil released;
    answers = endpoint.infer(inputs);
  }
  return asResult(answers, endpoint.signature(), as_dict, copiedArray);
}

// What a cell tells of its model, which another thread may just be measuring.
template <typename Answer>
auto ofModel(Answer (LoadedModel::*ask)() const) {
  return [ask](const Cell& cell) {
    const std::shared_ptr<LoadedModel> held = cell.model();
    const WithoutGil released;
    return (*held.*ask)();
  };
}

std::vector<Signature> signaturesOf(const Cell& cell) {
  std::vector<Signature> signatures;
  for (const auto& endpoint : cell.model()->endpoints()) {
    signatures.push_back(endpoint->signature());
  }
  return signatures;
}

template <typename Value>
Value optionOf(nb::handle options, const char* name) {
  const nb::object given = options.attr(name);
  Value value{};
  if (nb::try_cast<Value>(given, value)) return value;
  throw Error(ErrorCode::kInvalidArgument,
              std::string(name) + ": can't be " + nb::cast<std::string>(nb::repr(given)));
}

// `options` is an aios.bridge.options.LoadOptions.
void loadCell(Cell& cell, const std::string& path, nb::handle options, const Libraries& libraries) {
  CellOptions chosen = optionsWith(libraries);
  chosen.engine = optionOf<std::string>(options, "engine");
  chosen.threads = optionOf<int>(options, "threads");
  chosen.verify = verifyFromName(optionOf<std::string>(options, "verify"));
  chosen.precision = optionOf<std::string>(options, "precision");
  chosen.max_tuning_ms = optionOf<double>(options, "max_tuning_ms");
  chosen.manifest_sha256 = optionOf<std::string>(options, "manifest_sha256");
  cell.load(path, optionOf<std::vector<std::string>>(options, "tags"), chosen);
}

}  // namespace

void Cell::load(const std::string& path, const std::vector<std::string>& tags,
                const CellOptions& options) {
  // Checks the options; loading itself is the model's own business.
  TensorFlowPerformanceCell().initialize(options);
  std::shared_ptr<LoadedModel> loaded;
  {
    const WithoutGil released;
    loaded = LoadedModel::load(path, tags, options);
  }
  replace(std::move(loaded));
}

nb::object Cell::infer(nb::handle x, nb::handle out, bool copy, nb::handle signature_name) {
  const InCall in_call;
  const std::shared_ptr<LoadedModel> held = model();
  Endpoint& endpoint = endpointOf(*held, signature_name);
  const Signature& signature = endpoint.signature();
  const Arrays inputs = borrowInputs(signature, x, copy);
  const std::vector<TensorView> input_views = viewsOf(inputs);
  if (out.is_none() && !endpoint.outputShapesAreKnown()) {
    return inferUnknownShapes(endpoint, input_views, PyDict_Check(x.ptr()));
  }
  const int64_t batch = checkInputs(signature, input_views);
  const Arrays outputs = outputsFor(signature, out, batch);
  std::vector<TensorView> output_views = viewsOf(outputs);
  withoutGilIfLong(held, endpoint, batch, [&] {
    if (!out.is_none()) {
      endpoint.infer(input_views, output_views);
    } else if (batch != 0) {
      endpoint.inferChecked(input_views, output_views, batch);
    }
  });
  return asResult(outputs, signature, PyDict_Check(x.ptr()), arrayOf);
}

nb::object Cell::bind(nb::handle x, nb::handle out, nb::handle signature_name) {
  const InCall in_call;
  const std::shared_ptr<LoadedModel> held = model();
  Endpoint& endpoint = endpointOf(*held, signature_name);
  const Signature& signature = endpoint.signature();
  Arrays inputs = borrowInputs(signature, x, false);
  Arrays outputs = outputsFor(signature, out, checkInputs(signature, viewsOf(inputs)));
  nb::object result = asResult(outputs, signature, PyDict_Check(x.ptr()), arrayOf);
  auto bound =
      std::make_shared<BoundArrays>(std::move(inputs), std::move(outputs), std::move(result));
  bound->bind(held, endpoint);
  return nb::cpp_function([bound] { return bound->answer(); });
}

BenchmarkResult Cell::benchmark(nb::handle x, int64_t iterations) const {
  if (iterations < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "iterations: expected 1 or more, got " + std::to_string(iterations));
  }
  const InCall in_call;
  const std::shared_ptr<LoadedModel> held = model();
  const Arrays inputs = borrowInputs(held->endpoint().signature(), x, false);
  const std::vector<TensorView> views = viewsOf(inputs);
  const WithoutGil released;
  return runtime::benchmark(*held, views, static_cast<std::size_t>(iterations));
}

void Cell::close() { replace(nullptr); }

void Cell::replace(std::shared_ptr<LoadedModel> loaded) {
  model_.swap(loaded);
  plain_endpoint_ = nullptr;
  if (model_ && takesOneArrayAndGivesOne(*model_->endpoints().front())) {
    plain_endpoint_ = model_->endpoints().front().get();
  }
  results_.clear();
  if (loaded == nullptr) return;
  const WithoutGil released;
  loaded.reset();
}

const std::shared_ptr<LoadedModel>& Cell::model() const {
  if (model_) return model_;
  throw Error(ErrorCode::kFailedPrecondition,
              "no model is loaded; call load_model_from_training_cell or aios.load first");
}

namespace {

void bindEngineChoice(nb::module_& module) {
  nb::class_<EngineChoice>(module, "EngineChoice", "Why one artifact runs here, or doesn't.")
      .def_ro("engine", &EngineChoice::engine)
      .def_ro("target", &EngineChoice::target)
      .def_ro("precision", &EngineChoice::precision)
      .def_ro("batch", &EngineChoice::batch,
              "The largest batch that this row speaks of; 0 where it never takes part.")
      .def_ro("p50_us", &EngineChoice::p50_us, "0 where it wasn't measured.")
      .def_ro("p99_us", &EngineChoice::p99_us, "0 where it wasn't measured.")
      .def_ro("max_error", &EngineChoice::max_error, "Largest absolute error at export.")
      .def_ro("chosen", &EngineChoice::chosen)
      .def_ro("reason", &EngineChoice::reason)
      .def_ro("threads", &EngineChoice::threads, "That a call uses, at most.")
      .def_ro("sizes", &EngineChoice::sizes,
              "The inner sizes that this row speaks of, where a model's vary, as '16' or '<=64'.")
      .def("__repr__", [](const EngineChoice& choice) {
        return "EngineChoice(" + choice.engine + (choice.chosen ? ", chosen: " : ", not chosen: ") +
               choice.reason + ")";
      });
}

}  // namespace

void bindCell(nb::module_& module) {
  bindEngineChoice(module);
  nb::class_<Cell>(module, "Cell", "A C++ performance cell; base of TensorFlowCellularBridge.")
      .def(nb::init<>())
      .def("_load", &loadCell, nb::arg("path"), nb::arg("options"), nb::arg("libraries"),
           nb::sig("def _load(self, path: str, options: object, "
                   "libraries: collections.abc.Mapping[str, str]) -> None"),
           docs::kLoad)
      .def("perform_inference", &Cell::infer, nb::arg("x").none(), nb::kw_only(),
           nb::arg("out") = nb::none(), nb::arg("copy") = false, nb::arg("signature") = nb::none(),
           nb::sig("def perform_inference(self, x: object, *, out: object | None = None, "
                   "copy: bool = False, signature: str | None = None) -> typing.Any"),
           docs::kPerformInference)
      .def("bind", &Cell::bind, nb::arg("x").none(), nb::kw_only(), nb::arg("out") = nb::none(),
           nb::arg("signature") = nb::none(),
           nb::sig("def bind(self, x: object, *, out: object | None = None, "
                   "signature: str | None = None) -> typing.Callable[[], typing.Any]"),
           docs::kBind)
      .def("stream", &openStream, nb::arg("batch") = 1, docs::kStream)
      .def("benchmark_performance", &Cell::benchmark, nb::arg("x").none(),
           nb::arg("iterations") = 100, docs::kBenchmarkPerformance)
      .def_prop_ro(
          "signature", [](const Cell& cell) { return cell.model()->endpoint().signature(); },
          docs::kSignature)
      .def_prop_ro("signatures", signaturesOf, docs::kSignatures)
      .def_prop_ro("engine", ofModel(&LoadedModel::engine), docs::kEngine)
      .def("metrics", ofModel(&LoadedModel::metrics), docs::kMetrics)
      .def("explain", ofModel(&LoadedModel::explain), docs::kExplain)
      .def("close", &Cell::close, docs::kClose);
  bindFastInference(module);
  module.def("nothing", [] {}, "Does nothing: what a call costs at least, for benchmarks.");
}

}  // namespace aios::python
