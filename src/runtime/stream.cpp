#include "runtime/stream.hpp"

#include <algorithm>
#include <cstring>

#include "aios/error.hpp"

namespace aios::runtime {
namespace {

int64_t requireBatch(int64_t batch) {
  if (batch >= 1) return batch;
  throw Error(ErrorCode::kInvalidArgument,
              "batch: expected 1 stream or more, got " + std::to_string(batch));
}

std::vector<int64_t> withBatch(const TensorSpec& spec, int64_t batch) {
  std::vector<int64_t> shape = spec.shape;
  if (!shape.empty()) shape[0] = batch;
  return shape;
}

const TensorSpec& specNamed(const std::vector<TensorSpec>& specs, const std::string& name) {
  const auto found =
      std::find_if(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name == name; });
  if (found != specs.end()) return *found;
  throw Error(ErrorCode::kDataLoss,
              "the stream's step has no tensor '" + name + "'; export the bundle again");
}

// A block's shape without time: one frame's.
bool isOneFrame(const TensorSpec& spec, const TensorView& view) {
  if (view.dtype() != spec.dtype || view.rank() + 1 != spec.shape.size()) return false;
  if (view.dim(0) != spec.shape[0]) return false;
  return std::equal(spec.shape.begin() + 2, spec.shape.end(), view.shape().begin() + 1);
}

bool isBlock(const TensorSpec& spec, const TensorView& view) {
  if (view.dtype() != spec.dtype || view.rank() != spec.shape.size()) return false;
  if (view.dim(0) != spec.shape[0]) return false;
  return std::equal(spec.shape.begin() + 2, spec.shape.end(), view.shape().begin() + 2);
}

[[noreturn]] void throwTensor(const char* role, const TensorSpec& spec, const TensorView& view) {
  TensorSpec frame = spec;
  frame.shape.erase(frame.shape.begin() + 1);
  throw Error(ErrorCode::kInvalidArgument,
              std::string(role) + " '" + spec.name + "': expected one frame " + describe(frame) +
                  " or a block of frames " + describe(spec) + ", got " + describe(view) +
                  "; a stream of another batch is opened with that batch");
}

[[noreturn]] void throwFrames(const char* role, const TensorSpec& spec, const TensorView& view) {
  throw Error(ErrorCode::kInvalidArgument, std::string(role) + " '" + spec.name +
                                               "': expected as many frames as the first " + role +
                                               " has, got " + describe(view));
}

}  // namespace

Stream::Stream(LoadedModel& whole, int64_t batch) : batch_(requireBatch(batch)) {
  const std::shared_ptr<LoadedModel> model = whole.stepModel();
  describe(model->endpoint().signature(), whole.stream());
  bind(model, whole.stream());
  reset();
}

Stream::Frame Stream::frameOf(const TensorSpec& spec, int64_t batch) {
  Tensor tensor(spec.dtype, withBatch(spec, batch));
  std::memset(tensor.view().mutableData(), 0, tensor.bytes());
  const std::size_t bytes = tensor.bytes() / static_cast<std::size_t>(batch);
  return {std::move(tensor), bytes};
}

void Stream::describe(const Signature& step, const bundle::StreamRecord& record) {
  signature_.name = step.name;
  for (const bundle::State& state : record.states) {
    states_.push_back(specNamed(step.inputs, state.input));
    states_.back().shape[0] = batch_;
  }
  const auto isState = [&](const std::string& name) {
    return std::any_of(record.states.begin(), record.states.end(), [&](const auto& state) {
      return state.input == name || state.output == name;
    });
  };
  const auto add = [&](const TensorSpec& spec, std::vector<TensorSpec>& specs,
                       std::vector<Frame>& frames) {
    if (isState(spec.name)) return;
    if (spec.shape.size() < 2 || spec.shape[1] != 1) {
      throw Error(ErrorCode::kDataLoss,
                  "the stream's step has no frame '" + spec.name + "'; export the bundle again");
    }
    frames.push_back(frameOf(spec, batch_));
    specs.push_back(spec);
    specs.back().shape[0] = batch_;
    specs.back().shape[1] = kAnySize;
  };
  for (const TensorSpec& spec : step.inputs) add(spec, signature_.inputs, inputs_);
  for (const TensorSpec& spec : step.outputs) add(spec, signature_.outputs, outputs_);
}

void Stream::bind(const std::shared_ptr<LoadedModel>& model, const bundle::StreamRecord& record) {
  for (auto& kept : kept_) {
    for (const TensorSpec& spec : states_) kept.push_back(frameOf(spec, batch_).tensor);
  }
  Endpoint& endpoint = model->endpoint();
  const Signature& step = endpoint.signature();
  for (std::size_t turn = 0; turn < turns_.size(); ++turn) {
    // In the step's own order, which mixes frames and states.
    const auto place = [&](const std::vector<TensorSpec>& specs, const std::vector<Frame>& frames,
                           const std::vector<Tensor>& kept, auto nameOf) {
      std::vector<TensorView> views;
      std::size_t frame = 0;
      for (const TensorSpec& spec : specs) {
        const auto state =
            std::find_if(record.states.begin(), record.states.end(),
                         [&](const auto& entry) { return nameOf(entry) == spec.name; });
        views.push_back(state == record.states.end()
                            ? frames[frame++].tensor.view()
                            : kept[static_cast<std::size_t>(state - record.states.begin())].view());
      }
      return views;
    };
    const auto inputs = place(step.inputs, inputs_, kept_[turn],
                              [](const bundle::State& state) { return state.input; });
    auto outputs = place(step.outputs, outputs_, kept_[1 - turn],
                         [](const bundle::State& state) { return state.output; });
    turns_[turn] = std::make_unique<BoundCall>(model, endpoint, inputs, outputs);
  }
}

Stream::Block Stream::checkBlock(const char* role, const std::vector<TensorSpec>& specs,
                                 Span<const TensorView> tensors) const {
  checkCount(signature_, role, specs.size(), tensors);
  Block block{1, false};
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const TensorView& view = tensors[i];
    const bool has_time = isBlock(specs[i], view);
    if (!has_time && !isOneFrame(specs[i], view)) throwTensor(role, specs[i], view);
    if (view.bytesData() == nullptr && view.elements() != 0) checkTensor(role, specs[i], view);
    const int64_t frames = has_time ? view.dim(1) : 1;
    if (i == 0) block = {frames, has_time};
    if (frames != block.frames || has_time != block.has_time) throwFrames(role, specs[i], view);
  }
  return block;
}

Stream::Block Stream::checkInputs(Span<const TensorView> inputs) const {
  return checkBlock("input", signature_.inputs, inputs);
}

void Stream::step(Span<const TensorView> inputs, Span<TensorView> outputs) {
  const Block block = checkInputs(inputs);
  const Block wanted = checkBlock("output", signature_.outputs, {outputs.data(), outputs.size()});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool fits = wanted.frames == block.frames && wanted.has_time == block.has_time;
    if (!fits) throwFrames("output", signature_.outputs[i], outputs[i]);
    if (!outputs[i].writable()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "output '" + signature_.outputs[i].name + "' can't be written to");
    }
  }
  for (int64_t frame = 0; frame < block.frames; ++frame) {
    takeFrame(inputs, frame, block.frames);
    turns_[now_]->run();
    now_ = 1 - now_;
    giveFrame(outputs, frame, block.frames);
  }
}

void Stream::takeFrame(Span<const TensorView> inputs, int64_t frame, int64_t frames) noexcept {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::size_t bytes = inputs_[i].bytes;
    const char* from = static_cast<const char*>(inputs[i].bytesData());
    char* to = static_cast<char*>(inputs_[i].tensor.view().mutableData());
    for (int64_t stream = 0; stream < batch_; ++stream) {
      std::memcpy(to + stream * bytes, from + (stream * frames + frame) * bytes, bytes);
    }
  }
}

void Stream::giveFrame(Span<TensorView> outputs, int64_t frame, int64_t frames) const noexcept {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const std::size_t bytes = outputs_[i].bytes;
    const char* from = static_cast<const char*>(outputs_[i].tensor.view().bytesData());
    char* to = static_cast<char*>(outputs[i].mutableData());
    for (int64_t stream = 0; stream < batch_; ++stream) {
      std::memcpy(to + (stream * frames + frame) * bytes, from + stream * bytes, bytes);
    }
  }
}

void Stream::reset() noexcept {
  for (const Tensor& tensor : kept_[now_]) {
    std::memset(tensor.view().mutableData(), 0, tensor.bytes());
  }
}

std::vector<TensorView> Stream::state() const { return viewsOf(kept_[now_]); }

void Stream::restore(Span<const TensorView> state) {
  checkCount(signature_, "state", states_.size(), state);
  for (std::size_t i = 0; i < states_.size(); ++i) checkTensor("state", states_[i], state[i]);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const TensorView& kept = kept_[now_][i].view();
    std::memmove(kept.mutableData(), state[i].bytesData(), kept.bytes());
  }
}

}  // namespace aios::runtime
