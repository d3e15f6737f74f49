#include "engines/litert/litert_session.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "aios/error.hpp"
#include "engines/phase.hpp"

namespace aios::engines::litert {
namespace {

// Each costs a copy of the model's activations; a caller rarely alternates between more.
constexpr std::size_t kMaxShapedModels = 8;

RankedTensorType typeOf(const TensorView& view, int32_t element_type) {
  RankedTensorType type{};
  type.element_type = element_type;
  type.layout.rank = static_cast<unsigned int>(view.rank());
  for (std::size_t i = 0; i < view.rank(); ++i) {
    type.layout.dimensions[i] = static_cast<int32_t>(view.dim(i));
  }
  return type;
}

int32_t elementTypeOf(DType dtype) {
  for (int32_t code = 1; code <= 17; ++code) {
    if (code == 5 || code == 8 || code == 12 || code == 14 || code == 15) continue;
    if (dtypeFromElementType(code) == dtype) return code;
  }
  throw Error(ErrorCode::kUnsupported,
              std::string("engine 'litert' has no dtype ") + name(dtype) + "; use another engine");
}

}  // namespace

ShapedModel::ShapedModel(const Runtime& runtime, LiteRtModel model, int threads,
                         const SignatureBinding& binding, Span<const TensorView> inputs,
                         Span<const TensorView> outputs)
    : runtime_(runtime), binding_(binding) {
  const Phase phase("compiling");
  try {
    compile(model, threads);
    resizeInputs(inputs);
    stageInputs(inputs);
    stageOutputs(outputs);
  } catch (...) {
    release();
    throw;
  }
}

ShapedModel::~ShapedModel() { release(); }

void ShapedModel::release() noexcept {
  for (TensorBuffer buffer : input_buffers_) {
    if (buffer != nullptr) runtime_.api.destroyBuffer(buffer);
  }
  for (TensorBuffer buffer : output_buffers_) {
    if (buffer != nullptr) runtime_.api.destroyBuffer(buffer);
  }
  if (compiled_ != nullptr) runtime_.api.destroyCompiledModel(compiled_);
}

void ShapedModel::compile(LiteRtModel model, int threads) {
  const Api& api = runtime_.api;
  Options options = nullptr;
  check(api.createOptions(&options), "create options");
  const std::unique_ptr<LiteRtOptionsT, void (*)(Options)> owner(options, api.destroyOptions);
  check(api.setHardwareAccelerators(options, kAcceleratorCpu), "choose the CPU");
  // The payload is TOML; LiteRT frees it.
  const std::string toml = "num_threads = " + std::to_string(threads) + "\n";
  OpaqueOptions cpu = nullptr;
  check(api.createOpaqueOptions("xnnpack", ::strdup(toml.c_str()), std::free, &cpu),
        "create CPU options");
  check(api.addOpaqueOptions(options, cpu), "set the number of threads");
  const std::lock_guard<std::mutex> lock(runtime_.compiling);
  check(api.createCompiledModel(runtime_.environment, model, options, &compiled_),
        "compile the model");
}

void ShapedModel::resizeInputs(Span<const TensorView> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Span<const int64_t> shape = inputs[i].shape();
    const Layout& fixed = binding_.input_layouts[i];
    if (std::equal(shape.begin(), shape.end(), fixed.dimensions)) continue;
    // Resizing a static file reports success, and then Run fails.
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (fixed.dimensions[axis] >= 0 && fixed.dimensions[axis] != shape[axis]) {
        throw Error(ErrorCode::kUnsupported, "engine 'litert': the file is made for " +
                                                 std::to_string(fixed.dimensions[axis]) +
                                                 " in dimension " + std::to_string(axis) +
                                                 " of input " + std::to_string(i) + ", got " +
                                                 describe(inputs[i]) + "; use another engine");
      }
    }
    const std::vector<int> dims(shape.begin(), shape.end());
    check(runtime_.api.resizeInput(compiled_, binding_.index, binding_.input_slots[i], dims.data(),
                                   dims.size()),
          "resize an input");
  }
}

void ShapedModel::stageInputs(Span<const TensorView> inputs) {
  input_buffers_.resize(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Span<const int64_t> shape = inputs[i].shape();
    input_shapes_.emplace_back(shape.begin(), shape.end());
    staged_inputs_.emplace_back(inputs[i].dtype(), shape);
    input_buffers_[binding_.input_slots[i]] = stage(staged_inputs_.back().view());
  }
}

// A graph that calculates the shape of an output, as Flatten's does, tells the old batch until it
// has run: the caller's is the right one.
void ShapedModel::stageOutputs(Span<const TensorView> outputs) {
  const std::size_t count = binding_.output_slots.size();
  std::vector<Layout> layouts(count);
  check(runtime_.api.getOutputLayouts(compiled_, binding_.index, count, layouts.data(),
                                      /*update_allocation=*/true),
        "read the shapes of the outputs");
  output_buffers_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Layout& layout = layouts[binding_.output_slots[i]];
    std::vector<int64_t> shape(layout.dimensions, layout.dimensions + layout.rank);
    const bool batched = !outputs.empty() && outputs[i].rank() == shape.size() && !shape.empty();
    if (batched) shape[0] = outputs[i].dim(0);
    staged_outputs_.emplace_back(binding_.output_dtypes[i], shape);
    output_buffers_[binding_.output_slots[i]] = stage(staged_outputs_.back().view());
  }
}

TensorBuffer ShapedModel::stage(const TensorView& like) {
  const RankedTensorType type = typeOf(like, elementTypeOf(like.dtype()));
  TensorBuffer buffer = nullptr;
  check(runtime_.api.createBuffer(&type, like.mutableData(), like.bytes(), nullptr, &buffer),
        "bind a buffer");
  return buffer;
}

bool ShapedModel::takes(Span<const TensorView> inputs) const noexcept {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Span<const int64_t> shape = inputs[i].shape();
    if (!std::equal(shape.begin(), shape.end(), input_shapes_[i].begin())) return false;
  }
  return true;
}

void ShapedModel::run(Span<const TensorView> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::memcpy(staged_inputs_[i].view().mutableData(), inputs[i].bytesData(), inputs[i].bytes());
  }
  check(runtime_.api.run(compiled_, binding_.index, input_buffers_.size(), input_buffers_.data(),
                         output_buffers_.size(), output_buffers_.data()),
        "run the model");
}

FileSession::FileSession(const Runtime& runtime, LiteRtModel model, int threads,
                         SignatureBinding binding)
    : runtime_(runtime), model_(model), threads_(threads), binding_(std::move(binding)) {}

ShapedModel& FileSession::shapedFor(Span<const TensorView> inputs, Span<const TensorView> outputs) {
  const auto found = std::find_if(shaped_.begin(), shaped_.end(),
                                  [&](const auto& shaped) { return shaped->takes(inputs); });
  if (found == shaped_.end()) {
    auto shaped =
        std::make_unique<ShapedModel>(runtime_, model_, threads_, binding_, inputs, outputs);
    if (shaped_.size() == kMaxShapedModels) shaped_.pop_back();
    shaped_.insert(shaped_.begin(), std::move(shaped));
  } else {
    std::rotate(shaped_.begin(), found, found + 1);
  }
  return *shaped_.front();
}

void FileSession::run(Span<const TensorView> inputs, Span<TensorView> outputs) {
  ShapedModel& shaped = shapedFor(inputs, {outputs.data(), outputs.size()});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    requireSameShape(shaped.stagedOutput(i).view(), outputs[i], i);
  }
  shaped.run(inputs);
  for (const TensorView& input : inputs) staged_bytes_ += input.bytes();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorView& answer = shaped.stagedOutput(i).view();
    std::memcpy(outputs[i].mutableData(), answer.bytesData(), answer.bytes());
    staged_bytes_ += answer.bytes();
  }
}

std::vector<Tensor> FileSession::answer(Span<const TensorView> inputs) {
  ShapedModel& shaped = shapedFor(inputs, {});
  std::vector<Tensor> answers;
  for (std::size_t i = 0; i < binding_.output_slots.size(); ++i) {
    const TensorView& like = shaped.stagedOutput(i).view();
    answers.emplace_back(like.dtype(), like.shape());
  }
  std::vector<TensorView> views;
  for (const Tensor& tensor : answers) views.push_back(tensor.view());
  run(inputs, views);
  return answers;
}

}  // namespace aios::engines::litert
