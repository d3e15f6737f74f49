#include "aios/performance_cell.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <mutex>
#include <utility>

#include "runtime/latency.hpp"
#include "runtime/loaded_model.hpp"

namespace aios {

class TensorFlowPerformanceCell::Impl {
 public:
  CellOptions options() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return options_;
  }

  void setOptions(const CellOptions& options) {
    const std::lock_guard<std::mutex> lock(mutex_);
    options_ = options;
  }

  void replace(std::shared_ptr<runtime::LoadedModel> model) {
    // The parameter outlives the lock, so the replaced model is destroyed outside it.
    const std::lock_guard<std::mutex> lock(mutex_);
    model_.swap(model);
  }

  std::shared_ptr<runtime::LoadedModel> model() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!model_) {
      throw Error(ErrorCode::kFailedPrecondition,
                  "no model is loaded; call loadModel with the path of a bundle first");
    }
    return model_;
  }

 private:
  mutable std::mutex mutex_;
  CellOptions options_;
  std::shared_ptr<runtime::LoadedModel> model_;
};

namespace {

constexpr std::array<const char*, 5> kEngineNames = {"auto", "compiled", "litert", "openvino",
                                                     "tensorflow"};

void checkOutputs(const Signature& signature, int64_t batch, Span<const TensorView> inputs,
                  Span<TensorView> outputs) {
  if (outputs.size() != signature.outputs.size()) {
    throw Error(ErrorCode::kInvalidArgument, "signature '" + signature.name + "': expected " +
                                                 std::to_string(signature.outputs.size()) +
                                                 " outputs, got " + std::to_string(outputs.size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorSpec& spec = signature.outputs[i];
    const TensorView& output = outputs[i];
    checkTensor("output", spec, output);
    const bool batched = !spec.shape.empty() && spec.shape[0] == kAnySize;
    if (batched && output.dim(0) != batch) {
      throw Error(ErrorCode::kInvalidArgument, "output '" + spec.name + "': expected " +
                                                   describe(spec.dtype, outputShape(spec, batch)) +
                                                   ", got " + describe(output) +
                                                   "; give it the batch size of the inputs");
    }
    if (!output.writable()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "output '" + spec.name + "': expected writable memory, got read-only");
    }
    const auto* begin = static_cast<const char*>(output.bytesData());
    for (const TensorView& input : inputs) {
      const auto* other = static_cast<const char*>(input.bytesData());
      if (begin < other + input.bytes() && other < begin + output.bytes()) {
        throw Error(ErrorCode::kInvalidArgument,
                    "output '" + spec.name +
                        "': expected memory of its own, got memory that an input uses too");
      }
    }
  }
}

void run(runtime::LoadedModel& model, int64_t batch, Span<const TensorView> inputs,
         Span<TensorView> outputs) {
  if (batch == 0) return;
  model.pool().acquire()->run(inputs, outputs);
}

std::vector<Tensor> allocate(const std::vector<TensorSpec>& specs, int64_t batch) {
  std::vector<Tensor> tensors;
  tensors.reserve(specs.size());
  for (const TensorSpec& spec : specs) {
    tensors.emplace_back(spec.dtype, outputShape(spec, batch));
  }
  return tensors;
}

std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (const Tensor& tensor : tensors) views.push_back(tensor.view());
  return views;
}

}  // namespace

TensorFlowPerformanceCell::TensorFlowPerformanceCell() : impl_(std::make_unique<Impl>()) {}
TensorFlowPerformanceCell::~TensorFlowPerformanceCell() = default;
TensorFlowPerformanceCell::TensorFlowPerformanceCell(TensorFlowPerformanceCell&&) noexcept =
    default;
TensorFlowPerformanceCell& TensorFlowPerformanceCell::operator=(
    TensorFlowPerformanceCell&&) noexcept = default;

void TensorFlowPerformanceCell::initialize(const CellOptions& options) {
  const bool known = std::any_of(kEngineNames.begin(), kEngineNames.end(),
                                 [&](const char* name) { return options.engine == name; });
  if (!known) {
    throw Error(ErrorCode::kInvalidArgument,
                "engine: expected auto, compiled, litert, openvino or tensorflow, got '" +
                    options.engine + "'");
  }
  if (options.threads < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "threads: expected 1 or more, got " + std::to_string(options.threads));
  }
  impl_->setOptions(options);
}

void TensorFlowPerformanceCell::loadModel(const std::string& path,
                                          const std::vector<std::string>& /*tags*/) {
  impl_->replace(std::make_shared<runtime::LoadedModel>(path, impl_->options()));
}

std::vector<Tensor> TensorFlowPerformanceCell::inference(Span<const TensorView> inputs) {
  const auto model = impl_->model();
  const int64_t batch = checkInputs(model->signature(), inputs);
  std::vector<Tensor> results = allocate(model->signature().outputs, batch);
  std::vector<TensorView> outputs = viewsOf(results);
  run(*model, batch, inputs, outputs);
  return results;
}

void TensorFlowPerformanceCell::inference(Span<const TensorView> inputs, Span<TensorView> outputs) {
  const auto model = impl_->model();
  const int64_t batch = checkInputs(model->signature(), inputs);
  checkOutputs(model->signature(), batch, inputs, outputs);
  run(*model, batch, inputs, outputs);
}

void TensorFlowPerformanceCell::warmup(std::size_t iterations) {
  const auto model = impl_->model();
  const std::vector<Tensor> zeros = allocate(model->signature().inputs, 1);
  for (const Tensor& tensor : zeros) {
    std::memset(tensor.view().mutableData(), 0, tensor.bytes());
  }
  const std::vector<TensorView> inputs = viewsOf(zeros);
  for (std::size_t i = 0; i < iterations; ++i) inference(inputs);
}

BenchmarkResult TensorFlowPerformanceCell::benchmark(Span<const TensorView> inputs,
                                                     std::size_t iterations) {
  if (iterations == 0) {
    throw Error(ErrorCode::kInvalidArgument, "iterations: expected 1 or more, got 0");
  }
  const auto model = impl_->model();
  const int64_t batch = checkInputs(model->signature(), inputs);
  const std::vector<Tensor> results = allocate(model->signature().outputs, batch);
  std::vector<TensorView> outputs = viewsOf(results);
  for (std::size_t i = 0; i < 1 + iterations / 10; ++i) inference(inputs, outputs);
  std::vector<double> latencies_us(iterations);
  for (double& latency_us : latencies_us) {
    const auto begin = std::chrono::steady_clock::now();
    inference(inputs, outputs);
    const auto end = std::chrono::steady_clock::now();
    latency_us = std::chrono::duration<double, std::micro>(end - begin).count();
  }
  BenchmarkResult result = runtime::summarize(std::move(latencies_us), batch);
  result.engine = model->engine();
  return result;
}

const Signature& TensorFlowPerformanceCell::signature() const {
  return impl_->model()->signature();
}

const std::string& TensorFlowPerformanceCell::engine() const { return impl_->model()->engine(); }

void TensorFlowPerformanceCell::close() { impl_->replace(nullptr); }

}  // namespace aios
