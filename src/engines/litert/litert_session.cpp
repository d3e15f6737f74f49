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

}  // namespace

ShapedModel::ShapedModel(const Runtime& runtime, LiteRtModel model, int threads,
                         const SignatureBinding& binding, Span<const TensorView> inputs)
    : runtime_(runtime), binding_(binding) {
  const Phase phase("compiling");
  try {
    compile(model, threads);
    resizeInputs(inputs);
    stageInputs(inputs);
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
  releaseOutputs();
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
    const TensorView& staged = staged_inputs_.back().view();
    input_buffers_[binding_.input_slots[i]] = stage(staged, staged.bytes());
  }
}

Shapes ShapedModel::outputShapes(bool update) const {
  const std::size_t count = binding_.output_slots.size();
  std::vector<Layout> layouts(count);
  check(runtime_.api.getOutputLayouts(compiled_, binding_.index, count, layouts.data(), update),
        "read the shapes of the outputs");
  Shapes shapes;
  for (const std::size_t slot : binding_.output_slots) {
    const Layout& layout = layouts[slot];
    shapes.emplace_back(layout.dimensions, layout.dimensions + layout.rank);
  }
  return shapes;
}

void ShapedModel::releaseOutputs() noexcept {
  for (TensorBuffer buffer : output_buffers_) {
    if (buffer != nullptr) runtime_.api.destroyBuffer(buffer);
  }
  output_buffers_.clear();
  staged_outputs_.clear();
  answers_.clear();
}

void ShapedModel::stageOutputs(const Shapes& shapes) {
  releaseOutputs();
  output_buffers_.resize(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    staged_outputs_.emplace_back(binding_.output_dtypes[i], shapes[i]);
    answers_.push_back(staged_outputs_.back().view());
    output_buffers_[binding_.output_slots[i]] = stage(answers_.back(), answers_.back().bytes());
  }
}

// Where a graph calculates the shapes of its outputs, LiteRT tells those of the call before until
// it has run.
void ShapedModel::bindRoomy(const OutputMemory& memory) {
  releaseOutputs();
  const Shapes told = outputShapes(/*update=*/true);
  output_buffers_.resize(told.size());
  for (std::size_t i = 0; i < told.size(); ++i) {
    const TensorView like(memory.at(i), binding_.output_dtypes[i], Span<const int64_t>(told[i]));
    output_buffers_[binding_.output_slots[i]] = stage(like, OutputMemory::kBytes);
  }
}

void ShapedModel::viewRoomy(const OutputMemory& memory) {
  answers_.clear();
  const Shapes told = outputShapes(/*update=*/false);
  for (std::size_t i = 0; i < told.size(); ++i) {
    answers_.emplace_back(memory.at(i), binding_.output_dtypes[i], Span<const int64_t>(told[i]));
    if (answers_.back().bytes() <= OutputMemory::kBytes) continue;
    throw Error(ErrorCode::kUnsupported, "engine 'litert': the answer " +
                                             describe(answers_.back()) +
                                             " is too large; use another engine");
  }
}

TensorBuffer ShapedModel::stage(const TensorView& like, std::size_t bytes) {
  const RankedTensorType type = typeOf(like, elementTypeOf(like.dtype()));
  TensorBuffer buffer = nullptr;
  check(runtime_.api.createBuffer(&type, like.mutableData(), bytes, nullptr, &buffer),
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

void ShapedModel::runOnce() {
  check(runtime_.api.run(compiled_, binding_.index, input_buffers_.size(), input_buffers_.data(),
                         output_buffers_.size(), output_buffers_.data()),
        "run the model");
}

Span<const TensorView> ShapedModel::run(Span<const TensorView> inputs, const OutputMemory* memory) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::memcpy(staged_inputs_[i].view().mutableData(), inputs[i].bytesData(), inputs[i].bytes());
  }
  if (!learned_) learn(*memory);
  runOnce();
  if (binding_.outputs_vary) viewRoomy(*memory);
  return answers_;
}

// A first run finds the shapes of the outputs, and whether LiteRT answers where it is told to.
void ShapedModel::learn(const OutputMemory& memory) {
  bindRoomy(memory);
  try {
    runOnce();
  } catch (const Error& error) {
    throw Error(ErrorCode::kUnsupported,
                std::string(error.what()) + "; it can't for these shapes: use another engine");
  }
  viewRoomy(memory);
  requireWritten();
  if (!binding_.outputs_vary) stageOutputs(outputShapes(/*update=*/false));
  learned_ = true;
}

// LiteRT may report success although it has put an answer elsewhere: it does for some operators
// that calculate the shapes of their outputs.
void ShapedModel::requireWritten() {
  std::vector<bool> untouched(answers_.size(), true);
  for (const int mark : {0xA5, 0x5A}) {
    for (const TensorView& answer : answers_) {
      std::memset(answer.mutableData(), mark, answer.bytes());
    }
    runOnce();
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      const auto* bytes = static_cast<const unsigned char*>(answers_[i].bytesData());
      untouched[i] = untouched[i] && answers_[i].bytes() != 0 &&
                     std::all_of(bytes, bytes + answers_[i].bytes(),
                                 [mark](unsigned char byte) { return byte == mark; });
    }
    if (std::find(untouched.begin(), untouched.end(), true) == untouched.end()) return;
  }
  throw Error(ErrorCode::kUnsupported,
              "engine 'litert' doesn't give the answer where it is told to; use another engine");
}

FileSession::FileSession(const Runtime& runtime, LiteRtModel model, int threads,
                         SignatureBinding binding)
    : runtime_(runtime), model_(model), threads_(threads), binding_(std::move(binding)) {}

Span<const TensorView> FileSession::answersTo(Span<const TensorView> inputs) {
  const auto found = std::find_if(shaped_.begin(), shaped_.end(),
                                  [&](const auto& shaped) { return shaped->takes(inputs); });
  if (found == shaped_.end()) {
    auto shaped = std::make_unique<ShapedModel>(runtime_, model_, threads_, binding_, inputs);
    if (shaped_.size() == kMaxShapedModels) shaped_.pop_back();
    shaped_.insert(shaped_.begin(), std::move(shaped));
  } else {
    std::rotate(shaped_.begin(), found, found + 1);
  }
  for (const TensorView& input : inputs) staged_bytes_ += input.bytes();
  ShapedModel& shaped = *shaped_.front();
  if (shaped.needsMemory()) {
    if (!memory_) memory_ = std::make_unique<OutputMemory>(binding_.output_slots.size());
  } else {
    memory_.reset();
  }
  return shaped.run(inputs, memory_.get());
}

void FileSession::run(Span<const TensorView> inputs, Span<TensorView> outputs) {
  const Span<const TensorView> answers = answersTo(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    requireSameShape(answers[i], outputs[i], i);
    if (answers[i].bytes() != 0) {
      std::memcpy(outputs[i].mutableData(), answers[i].bytesData(), answers[i].bytes());
    }
    staged_bytes_ += answers[i].bytes();
  }
}

std::vector<Tensor> FileSession::answer(Span<const TensorView> inputs) {
  std::vector<Tensor> answers;
  for (const TensorView& answer : answersTo(inputs)) {
    answers.push_back(Tensor::copyOf(answer));
    staged_bytes_ += answer.bytes();
  }
  return answers;
}

}  // namespace aios::engines::litert
