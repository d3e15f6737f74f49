#include "engines/openvino/openvino_session.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "aios/error.hpp"

namespace aios::engines::openvino {
namespace {

// Each may hold a copy of the weights; a caller rarely alternates between more.
constexpr std::size_t kMaxShapedRequests = 8;

TensorView unbound(DType dtype, Span<const int64_t> shape) {
  return {static_cast<const void*>(nullptr), dtype, shape};
}

}  // namespace

ShapedRequest::ShapedRequest(std::shared_ptr<const CompiledGraph> compiled,
                             const GraphBinding& binding, Span<const TensorView> inputs)
    : compiled_(std::move(compiled)), api_(compiled_->runtime().api) {
  try {
    open(binding, inputs);
  } catch (...) {
    release();
    throw;
  }
}

ShapedRequest::~ShapedRequest() { release(); }

void ShapedRequest::release() noexcept {
  for (const Slot& slot : inputs_) api_.freePort(slot.port);
  for (const Slot& slot : outputs_) api_.freePort(slot.port);
  if (request_ != nullptr) api_.freeRequest(request_);
}

void ShapedRequest::open(const GraphBinding& binding, Span<const TensorView> inputs) {
  check(api_, api_.createRequest(compiled_->get(), &request_), "create a request");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Slot slot;
    slot.like = unbound(inputs[i].dtype(), inputs[i].shape());
    check(api_, api_.compiledInputByName(compiled_->get(), binding.inputs[i].c_str(), &slot.port),
          "find an input");
    inputs_.push_back(std::move(slot));
  }
  for (std::size_t i = 0; i < binding.outputs.size(); ++i) {
    outputs_.emplace_back();
    Slot& slot = outputs_.back();
    check(api_, api_.compiledOutputByName(compiled_->get(), binding.outputs[i].c_str(), &slot.port),
          "find an output");
    PartialShape shape{};
    check(api_, api_.portPartialShape(slot.port, &shape), "read the shape of an output");
    slot.known = shape.rank.min == shape.rank.max;
    std::vector<int64_t> dims;
    for (int64_t axis = 0; slot.known && axis < shape.rank.max; ++axis) {
      dims.push_back(shape.dims[axis].max);
      slot.known = shape.dims[axis].min == shape.dims[axis].max;
    }
    if (!slot.known) dims.clear();
    slot.like = unbound(binding.output_dtypes[i], dims);
    api_.freePartialShape(&shape);
  }
}

bool ShapedRequest::takes(Span<const TensorView> inputs) const noexcept {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Span<const int64_t> shape = inputs[i].shape();
    if (!std::equal(shape.begin(), shape.end(), inputs_[i].like.shape().begin())) return false;
  }
  return true;
}

void ShapedRequest::bind(Slot& slot, void* memory) {
  if (slot.bound == memory) return;
  slot.bound = nullptr;
  std::vector<int64_t> dims(slot.like.shape().begin(), slot.like.shape().end());
  const Shape shape{static_cast<int64_t>(dims.size()), dims.data()};
  OvTensor* tensor = nullptr;
  check(api_,
        api_.tensorFromHost(compiled_->runtime().codeOf(slot.like.dtype()), shape, memory, &tensor),
        "take the caller's memory");
  const std::unique_ptr<OvTensor, void (*)(OvTensor*)> owner(tensor, api_.freeTensor);
  check(api_, api_.setTensor(request_, slot.port, tensor), "bind the caller's memory");
  slot.bound = memory;
}

void ShapedRequest::bindInputs(Span<const TensorView> inputs) {
  // OpenVINO only reads what is bound to an input.
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    bind(inputs_[i], const_cast<void*>(inputs[i].bytesData()));
  }
}

void ShapedRequest::infer() { check(api_, api_.infer(request_), "run the model"); }

TensorView ShapedRequest::ownAnswer(const Slot& slot) const {
  OvTensor* tensor = nullptr;
  check(api_, api_.getTensor(request_, slot.port, &tensor), "read an answer");
  const std::unique_ptr<OvTensor, void (*)(OvTensor*)> owner(tensor, api_.freeTensor);
  Shape shape{};
  void* memory = nullptr;
  check(api_, api_.tensorData(tensor, &memory), "read an answer");
  check(api_, api_.tensorShape(tensor, &shape), "read an answer's shape");
  const std::vector<int64_t> dims(shape.dims, shape.dims + shape.rank);
  api_.freeShape(&shape);
  return {static_cast<const void*>(memory), slot.like.dtype(), Span<const int64_t>(dims)};
}

std::uint64_t ShapedRequest::run(Span<const TensorView> inputs, Span<TensorView> outputs) {
  bindInputs(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Slot& slot = outputs_[i];
    if (!slot.known) continue;
    requireSameShape(slot.like, outputs[i], i);
    bind(slot, outputs[i].mutableData());
  }
  infer();
  std::uint64_t copied = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs_[i].known) continue;
    const TensorView answer = ownAnswer(outputs_[i]);
    requireSameShape(answer, outputs[i], i);
    if (answer.bytes() != 0) {
      std::memcpy(outputs[i].mutableData(), answer.bytesData(), answer.bytes());
    }
    copied += answer.bytes();
  }
  return copied;
}

std::vector<Tensor> ShapedRequest::answer(Span<const TensorView> inputs,
                                          std::uint64_t& copied_bytes) {
  std::vector<Tensor> answers(outputs_.size());
  bindInputs(inputs);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Slot& slot = outputs_[i];
    if (!slot.known) continue;
    answers[i] = Tensor(slot.like.dtype(), slot.like.shape());
    bind(slot, answers[i].view().mutableData());
  }
  infer();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i].known) continue;
    answers[i] = Tensor::copyOf(ownAnswer(outputs_[i]));
    copied_bytes += answers[i].bytes();
  }
  return answers;
}

GraphSession::GraphSession(GraphFile& file, GraphBinding binding)
    : file_(file), binding_(std::move(binding)) {}

ShapedRequest& GraphSession::requestFor(Span<const TensorView> inputs) {
  const auto found = std::find_if(requests_.begin(), requests_.end(),
                                  [&](const auto& request) { return request->takes(inputs); });
  if (found == requests_.end()) {
    auto request =
        std::make_unique<ShapedRequest>(file_.compiledFor(binding_, inputs), binding_, inputs);
    if (requests_.size() == kMaxShapedRequests) requests_.pop_back();
    requests_.insert(requests_.begin(), std::move(request));
  } else if (found != requests_.begin()) {
    std::rotate(requests_.begin(), found, found + 1);
  }
  return *requests_.front();
}

void GraphSession::run(Span<const TensorView> inputs, Span<TensorView> outputs) {
  staged_bytes_ += requestFor(inputs).run(inputs, outputs);
}

std::vector<Tensor> GraphSession::answer(Span<const TensorView> inputs) {
  return requestFor(inputs).answer(inputs, staged_bytes_);
}

}  // namespace aios::engines::openvino
