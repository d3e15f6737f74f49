// Engine `dense`: stacks of dense layers. Its file is float32s: of each layer its inputs, outputs
// and activation, then weights (inputs × outputs) and bias.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "engines/engine_table.hpp"

namespace aios::engines {
namespace {

void activate(int kind, std::vector<double>& y) {
  const double largest = *std::max_element(y.begin(), y.end());
  double sum = 0;
  for (double& value : y) {
    if (kind == 1) value = std::max(value, 0.0);
    if (kind == 2) value = std::tanh(value);
    if (kind == 3) sum += value = std::exp(value - largest);
  }
  for (double& value : y) value /= kind == 3 ? sum : 1;
}

struct DenseSession final : Session {
  explicit DenseSession(const std::vector<float>& layers) : layers_(layers) {}
  void run(Span<const TensorView> inputs, Span<TensorView> outputs) override {
    const auto* x = inputs[0].data<float>();
    auto* y = static_cast<float*>(outputs[0].mutableData());
    for (int64_t row = 0; row < inputs[0].dim(0); ++row, x += inputs[0].dim(1)) {
      std::vector<double> values(x, x + inputs[0].dim(1));
      for (const float* layer = layers_.data(); layer != layers_.data() + layers_.size();) {
        const float* weight = layer + 3;
        const float* bias = weight + values.size() * static_cast<std::size_t>(layer[1]);
        std::vector<double> next(bias, bias + static_cast<std::size_t>(layer[1]));
        for (const double value : values) {
          for (double& sum : next) sum += value * *weight++;
        }
        activate(static_cast<int>(layer[2]), next);
        layer = bias + next.size();
        values = std::move(next);
      }
      y = std::copy(values.begin(), values.end(), y);
    }
  }
  const std::vector<float>& layers_;
};

struct DenseModel final : Model {
  std::unique_ptr<Session> newSession(const Signature& /*signature*/) const override {
    return std::make_unique<DenseSession>(layers);
  }
  std::vector<float> layers;
};

std::shared_ptr<const Model> load(const bundle::Bundle& bundle, const bundle::Artifact& artifact,
                                  const EngineOptions& /*options*/) {
  auto model = std::make_shared<DenseModel>();
  std::ifstream file(bundle.directory / artifact.graphs[0].path, std::ios::binary);
  for (float value = 0; file.read(reinterpret_cast<char*>(&value), sizeof value);) {
    model->layers.push_back(value);
  }
  return model;
}

}  // namespace
}  // namespace aios::engines

// What would be its row in src/engines/engine_table.cpp, for a process that adds it while it runs.
extern "C" const aios::engines::EngineFacts* dense_row() {
  static aios::engines::EngineFacts row;
  row.name = "dense";
  row.runs_anywhere = true;
  row.load = aios::engines::load;
  return &row;
}
extern "C" std::size_t row_layout() { return aios::engines::kRowLayout; }
