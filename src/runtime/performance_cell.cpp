#include "aios/performance_cell.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>
#include <utility>

#include "engines/engine_table.hpp"
#include "runtime/benchmark.hpp"
#include "runtime/bound_call.hpp"
#include "runtime/loaded_model.hpp"
#include "runtime/stream.hpp"

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

constexpr std::array<std::string_view, 5> kPrecisions = {"float32", "fastest", "float16",
                                                         "bfloat16", "int8"};

void requireEngine(const std::string& name) {
  std::vector<std::string> known = {"auto"};
  for (const engines::EngineFacts& row : engines::engineTable()) known.emplace_back(row.name);
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  throw Error(ErrorCode::kInvalidArgument,
              "engine: expected " + engines::listed(known, " or ") + ", got '" + name + "'");
}

}  // namespace

Verify verifyFromName(const std::string& name) {
  if (name == "quick") return Verify::kQuick;
  if (name == "full") return Verify::kFull;
  if (name == "off") return Verify::kOff;
  throw Error(ErrorCode::kInvalidArgument,
              "verify: expected 'quick', 'full' or 'off', got '" + name + "'");
}

// One that was moved from has none.
TensorFlowPerformanceCell::Impl& TensorFlowPerformanceCell::impl() const {
  if (impl_ != nullptr) return *impl_;
  throw Error(ErrorCode::kInvalidArgument,
              "the cell was moved from; call the one that it was moved to");
}

TensorFlowPerformanceCell::TensorFlowPerformanceCell() : impl_(std::make_unique<Impl>()) {}
TensorFlowPerformanceCell::~TensorFlowPerformanceCell() = default;
TensorFlowPerformanceCell::TensorFlowPerformanceCell(TensorFlowPerformanceCell&&) noexcept =
    default;
TensorFlowPerformanceCell& TensorFlowPerformanceCell::operator=(
    TensorFlowPerformanceCell&&) noexcept = default;

void TensorFlowPerformanceCell::initialize(const CellOptions& options) {
  requireEngine(options.engine);
  if (std::find(kPrecisions.begin(), kPrecisions.end(), options.precision) == kPrecisions.end()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "precision: expected float32 or fastest, or float16, bfloat16 or int8 alone, got '" +
            options.precision + "'");
  }
  if (!(options.max_tuning_ms >= 0)) {
    throw Error(ErrorCode::kInvalidArgument,
                "max_tuning_ms: expected 0 or more, got " + std::to_string(options.max_tuning_ms));
  }
  if (options.threads < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "threads: expected 1 or more, got " + std::to_string(options.threads));
  }
  impl().setOptions(options);
}

void TensorFlowPerformanceCell::loadModel(const std::string& path,
                                          const std::vector<std::string>& tags) {
  impl().replace(runtime::LoadedModel::load(path, tags, impl().options()));
}

std::vector<Tensor> TensorFlowPerformanceCell::inference(Span<const TensorView> inputs,
                                                         const std::string& signature) {
  return impl().model()->endpoint(signature).infer(inputs);
}

void TensorFlowPerformanceCell::inference(Span<const TensorView> inputs, Span<TensorView> outputs,
                                          const std::string& signature) {
  impl().model()->endpoint(signature).infer(inputs, outputs);
}

class BoundCall::Impl : public runtime::BoundCall {
 public:
  using runtime::BoundCall::BoundCall;
};

BoundCall::BoundCall(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoundCall::~BoundCall() = default;
BoundCall::BoundCall(BoundCall&&) noexcept = default;
BoundCall& BoundCall::operator=(BoundCall&&) noexcept = default;
void BoundCall::operator()() {
  if (impl_ == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                "the bound call was moved from; call the one that it was moved to");
  }
  impl_->run();
}

BoundCall TensorFlowPerformanceCell::bind(Span<const TensorView> inputs, Span<TensorView> outputs,
                                          const std::string& signature) {
  auto model = impl().model();
  runtime::Endpoint& endpoint = model->endpoint(signature);
  return BoundCall(std::make_unique<BoundCall::Impl>(std::move(model), endpoint, inputs, outputs));
}

class Stream::Impl : public runtime::Stream {
 public:
  using runtime::Stream::Stream;
};

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

Stream::Impl& Stream::impl() const {
  if (impl_ != nullptr) return *impl_;
  throw Error(ErrorCode::kInvalidArgument,
              "the stream was moved from; call the one that it was moved to");
}

void Stream::step(Span<const TensorView> inputs, Span<TensorView> outputs) {
  impl().step(inputs, outputs);
}

void Stream::reset() { impl().reset(); }

std::vector<Tensor> Stream::save() const {
  std::vector<Tensor> saved;
  for (const TensorView& kept : impl().state()) saved.push_back(Tensor::copyOf(kept));
  return saved;
}

void Stream::restore(Span<const TensorView> state) { impl().restore(state); }

const Signature& Stream::signature() const { return impl().signature(); }

Stream TensorFlowPerformanceCell::stream(int64_t batch) {
  return Stream(std::make_unique<Stream::Impl>(*impl().model(), batch));
}

void TensorFlowPerformanceCell::warmup(std::size_t iterations) {
  const auto model = impl().model();
  runtime::Endpoint& endpoint = model->endpoint();
  const std::vector<Tensor> tensors = runtime::zeros(endpoint.signature().inputs);
  const std::vector<TensorView> inputs = runtime::viewsOf(tensors);
  for (std::size_t i = 0; i < iterations; ++i) endpoint.infer(inputs);
}

BenchmarkResult TensorFlowPerformanceCell::benchmark(Span<const TensorView> inputs,
                                                     std::size_t iterations) {
  if (iterations == 0) {
    throw Error(ErrorCode::kInvalidArgument, "iterations: expected 1 or more, got 0");
  }
  const auto model = impl().model();
  return runtime::benchmark(*model, inputs, iterations);
}

Signature TensorFlowPerformanceCell::signature(const std::string& name) const {
  return impl().model()->endpoint(name).signature();
}

std::vector<std::string> TensorFlowPerformanceCell::signatures() const {
  const auto model = impl().model();
  std::vector<std::string> names;
  for (const auto& endpoint : model->endpoints()) names.push_back(endpoint->signature().name);
  return names;
}

std::string TensorFlowPerformanceCell::engine() const { return impl().model()->engine(); }

Metrics TensorFlowPerformanceCell::metrics() const { return impl().model()->metrics(); }

std::vector<EngineChoice> TensorFlowPerformanceCell::explain() const {
  return impl().model()->explain();
}

void TensorFlowPerformanceCell::close() { impl().replace(nullptr); }

}  // namespace aios
