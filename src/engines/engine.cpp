#include "engines/engine.hpp"

#include <algorithm>
#include <array>

#include "aios/error.hpp"
#include "engines/compiled/compiled_engine.hpp"
#include "engines/litert/litert_model.hpp"
#include "engines/openvino/openvino_model.hpp"
#include "engines/phase.hpp"
#include "engines/tensorflow/tensorflow_model.hpp"

namespace aios::engines {
namespace {

using Loader = std::shared_ptr<const Model> (*)(const bundle::Bundle&, const bundle::Artifact&,
                                                const EngineOptions&);

struct EngineRow {
  const char* name;
  Loader load;
};

constexpr std::array<EngineRow, 4> kEngines = {{
    {"compiled", loadCompiledModel},
    {"litert", loadLiteRtModel},
    {"openvino", loadOpenVinoModel},
    {"tensorflow", loadTensorFlowModel},
}};

}  // namespace

void requireSameShape(const TensorView& answer, const TensorView& output, std::size_t index) {
  const Span<const int64_t> got = answer.shape();
  const Span<const int64_t> expected = output.shape();
  if (answer.dtype() == output.dtype() && got.size() == expected.size() &&
      std::equal(got.begin(), got.end(), expected.begin())) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument, "output " + std::to_string(index) + ": the answer is " +
                                               describe(answer) + ", the memory given for it is " +
                                               describe(output));
}

void Session::bind(Span<const TensorView> inputs, Span<TensorView> outputs) {
  bound_inputs_ = inputs;
  bound_outputs_ = outputs;
}

void Session::runBound() { run(bound_inputs_, bound_outputs_); }

std::vector<Tensor> Session::answer(Span<const TensorView> /*inputs*/) {
  throw Error(
      ErrorCode::kUnsupported,
      "this engine needs outputs whose shapes are known before the call; use another engine");
}

std::shared_ptr<const Model> loadModel(const bundle::Bundle& bundle,
                                       const bundle::Artifact& artifact,
                                       const EngineOptions& options) {
  const Phase phase("opening");
  std::string known;
  for (const EngineRow& engine : kEngines) {
    if (artifact.engine == engine.name) return engine.load(bundle, artifact, options);
    known += std::string(known.empty() ? "" : ", ") + engine.name;
  }
  throw Error(ErrorCode::kNotFound,
              "engine '" + artifact.engine + "' isn't part of this build; it has: " + known);
}

}  // namespace aios::engines
